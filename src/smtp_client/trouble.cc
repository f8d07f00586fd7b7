#include "smtp_client/trouble.h"

namespace waypost::smtp_client {
namespace {

delivery::Stage stage_of(smtp::ClientStage stage) {
  using From = smtp::ClientStage;
  using To = delivery::Stage;
  switch (stage) {
    case From::greeting:
      return To::greeting;
    case From::loop:
      return To::routing;
    case From::ehlo:
      return To::ehlo;
    case From::starttls:
      return To::starttls;
    case From::tls_verify:
      return To::tls_verify;
    case From::auth:
      return To::auth;
    case From::size:
      return To::size;
    case From::capability:
      return To::capability;
    case From::mail:
      return To::mail;
    case From::rcpt:
      return To::rcpt;
    case From::data:
      return To::data;
    case From::end_of_data:
      return To::end_of_data;
    case From::content:
      return To::content;
  }
  return To::end_of_data;
}

delivery::Cause cause_of(smtp::ClientFailure::Cause cause) {
  using From = smtp::ClientFailure::Cause;
  using To = delivery::Cause;
  switch (cause) {
    case From::reply:
      return To::reply;
    case From::lost_connection:
      return To::lost_connection;
    case From::timed_out:
      return To::timed_out;
    case From::temporary:
      return To::temporary;
    case From::permanent:
      return To::permanent;
  }
  return To::temporary;
}

}  // namespace

delivery::Failure Trouble::failure() const {
  delivery::Failure failure;
  failure.stage = stage;
  failure.cause = cause;
  if (cause == delivery::Cause::reply) {
    failure.reply = {code, dsn};
  } else {
    failure.dsn = dsn;
  }
  return failure;
}

Trouble from_session(const smtp::ClientFailure& failure) {
  return {.stage = stage_of(failure.stage),
          .cause = cause_of(failure.cause),
          .dsn = failure.dsn,
          .text = failure.text,
          .code = failure.code,
          .reply = failure.reply};
}

}  // namespace waypost::smtp_client
