// The transaction part of ClientSession: from MAIL to the final reply.
#include <fmt/format.h>

#include "base/assert.h"
#include "smtp/client_session.h"

namespace waypost::smtp {

// What makes the message impossible for this server, before anything is sent.
std::optional<ClientFailure> ClientSession::obstacle(const ClientTransaction& transaction) const {
  ClientFailure failure;
  failure.cause = ClientFailure::Cause::permanent;
  const auto size = transaction.parameters.size_bytes;
  if (features_.size_limit > 0 && size > features_.size_limit) {
    failure.stage = ClientStage::size;
    failure.dsn = "5.3.4";
    failure.text =
        fmt::format("message size {} exceeds size limit {} of server {}", size, features_.size_limit, settings_.peer);
    return failure;
  }
  if (transaction.parameters.utf8 && !features_.smtputf8) {
    failure.stage = ClientStage::capability;
    failure.dsn = "5.6.7";  // RFC 6531 §3.7.4
    failure.text = fmt::format("SMTPUTF8 is required, but was not offered by host {}", settings_.peer);
    return failure;
  }
  if (!is_sendable(transaction.envelope->sender)) {
    failure.stage = ClientStage::mail;
    failure.dsn = "5.1.7";
    failure.text = "malformed sender address";
    return failure;
  }
  return std::nullopt;
}

ClientSession::Action ClientSession::begin(const ClientTransaction& transaction) {
  WAYPOST_ASSERT(usable() && transaction.envelope != nullptr && !transaction.recipients.empty());
  transaction_ = transaction;
  sent_ = answered_ = 0;
  mail_sent_ = data_sent_ = abandoned_ = false;
  reset_due_ = mail_due_ = data_due_ = false;
  xforward_sent_ = xforward_answered_ = final_answered_ = 0;
  xforward_.clear();
  if (settings_.send_xforward) xforward_ = xforward_commands(*transaction.envelope, features_);
  failure_.reset();
  refused_.clear();
  accepted_.clear();
  delivered_.clear();
  final_reply_.clear();
  final_dsn_.clear();
  failure_ = obstacle(transaction);
  if (failure_) return Action::done;
  return send_flight();
}

// As many commands as may go out now: with PIPELINING (RFC 2920) all of the envelope, else one.
ClientSession::Action ClientSession::send_flight() {
  const auto room = [this] { return output_.empty() || (features_.pipelining && output_.size() < kMaxFlightBytes); };
  append_transaction_start();
  if (xforward_sent_ == xforward_.size() && !mail_sent_ && room()) {
    append_mail(output_, *transaction_.envelope, transaction_.parameters, features_);
    mail_sent_ = mail_due_ = true;
  }
  while (mail_sent_ && sent_ < transaction_.recipients.size() && room()) {
    append_rcpt(output_, transaction_.envelope->recipients[transaction_.recipients[sent_++]], transaction_.parameters,
                features_);
  }
  if (mail_sent_ && sent_ == transaction_.recipients.size() && room()) {
    output_ += "DATA\r\n";
    data_sent_ = data_due_ = true;
  }
  phase_ = awaited();
  return Action::write;
}

// What comes before MAIL.
void ClientSession::append_transaction_start() {
  if (needs_reset_) {
    output_ += "RSET\r\n";
    needs_reset_ = false;
    reset_due_ = true;
  }
  while (xforward_sent_ < xforward_.size() && (output_.empty() || features_.pipelining)) {
    output_ += xforward_[xforward_sent_++];
  }
}

// The reply that comes next, of those that are due; `ready` when none is.
ClientSession::Phase ClientSession::awaited() const {
  if (reset_due_) return Phase::reset;
  if (xforward_answered_ < xforward_sent_) return Phase::xforward;
  if (mail_due_) return Phase::mail;
  if (answered_ < sent_) return Phase::rcpt;
  return data_due_ ? Phase::data : Phase::ready;
}

ClientSession::Action ClientSession::next_reply() {
  const Phase next = awaited();
  if (next != Phase::ready) {
    phase_ = next;
    return Action::read;
  }
  const bool all_refused = answered_ == transaction_.recipients.size() && accepted() == 0;
  if (failure_ || all_refused) return end_transaction(false);
  return send_flight();
}

ClientSession::Action ClientSession::end_transaction(bool clean) {
  needs_reset_ = !clean;
  phase_ = closing_ ? Phase::closed : Phase::ready;
  return Action::done;
}

// A server that cannot even reset is not asked for more.
ClientSession::Action ClientSession::on_reset(const ServerReply& reply) {
  reset_due_ = false;
  if (reply.positive()) return next_reply();
  auto failure = from_reply(reply, ClientStage::mail, command_of(phase_));
  failure.cause = ClientFailure::Cause::temporary;  // says nothing about this message
  failure.dsn = "4.5.0";
  return fail_session(std::move(failure));
}

// Who cannot take it gets the mail all the same.
ClientSession::Action ClientSession::on_xforward(const ServerReply& reply) {
  ++xforward_answered_;
  if (!reply.positive()) {
    warnings_.push_back(
        fmt::format("host {} said: {} (in reply to {})", settings_.peer_port, reply.joined(), command_of(phase_)));
  }
  return next_reply();
}

ClientSession::Action ClientSession::on_mail(const ServerReply& reply) {
  mail_due_ = false;
  if (!reply.positive()) failure_ = from_reply(reply, ClientStage::mail, command_of(phase_));
  return next_reply();
}

ClientSession::Action ClientSession::on_rcpt(const ServerReply& reply) {
  const auto recipient = transaction_.recipients[answered_++];
  if (is_lmtp() && reply.positive()) accepted_.push_back(recipient);
  // Without a sender each recipient is refused for that alone.
  if (!reply.positive() && !failure_) {
    refused_.push_back({recipient, from_reply(reply, ClientStage::rcpt, command_of(phase_))});
  }
  return next_reply();
}

ClientSession::Action ClientSession::on_data(const ServerReply& reply) {
  data_due_ = false;
  const bool wanted = !failure_ && accepted() > 0;
  if (reply.klass() != 3) {
    if (wanted) failure_ = from_reply(reply, ClientStage::data, command_of(phase_));
    return end_transaction(false);
  }
  if (wanted) {
    phase_ = Phase::content;
    return Action::send_content;
  }
  if (is_lmtp()) {  // RFC 2033 §4.2: must not happen, and what would answer the dot is not said
    closing_ = true;
    return end_transaction(false);
  }
  // RFC 2920 §3.1: a 354 for a transaction without recipients is answered with the final dot alone.
  abandoned_ = true;
  return send(Phase::final_reply, ".");
}

ClientSession::Action ClientSession::on_content_sent() {
  WAYPOST_ASSERT(phase_ == Phase::content);
  phase_ = Phase::final_reply;
  return Action::read;
}

ClientSession::Action ClientSession::on_content_failed() {
  ClientFailure failure;
  failure.stage = ClientStage::content;
  failure.cause = ClientFailure::Cause::temporary;
  failure.dsn = "4.3.0";
  failure.text = fmt::format("local data error while talking to {}", settings_.peer);
  return fail_session(std::move(failure));
}

ClientSession::Action ClientSession::on_content_unfit() {
  ClientFailure failure;
  failure.stage = ClientStage::content;
  failure.cause = ClientFailure::Cause::permanent;
  failure.dsn = "5.6.0";  // RFC 3463 §3.7: media error
  failure.text = fmt::format("MIME nesting exceeds safety limit, and host {} takes no 8-bit content", settings_.peer);
  return fail_session(std::move(failure));
}

ClientSession::Action ClientSession::on_final(const ServerReply& reply) {
  const bool early = phase_ == Phase::content;  // the server did not wait for the end
  if (abandoned_) return end_transaction(true);
  if (is_lmtp() && !early) return on_recipient_final(reply);
  if (reply.positive() && !early) {
    final_reply_ = reply.joined();
    final_dsn_ = reply.dsn;
  } else {
    failure_ = from_reply(reply, ClientStage::end_of_data, command_of(phase_));
  }
  closing_ = closing_ || early;
  return end_transaction(true);
}

// RFC 2033 §4.2: one reply for each recipient that was accepted, in their order.
ClientSession::Action ClientSession::on_recipient_final(const ServerReply& reply) {
  const auto recipient = accepted_[final_answered_++];
  if (reply.positive()) {
    delivered_.push_back({recipient, reply.joined(), reply.dsn});
  } else {
    refused_.push_back({recipient, from_reply(reply, ClientStage::end_of_data, command_of(phase_))});
  }
  return final_answered_ < accepted_.size() ? Action::read : end_transaction(true);
}

}  // namespace waypost::smtp
