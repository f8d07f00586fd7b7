#include "intake/received.h"

#include <fmt/format.h>

#include "mail/date.h"

namespace waypost::intake {
namespace {

// RFC 5321 §4.1.3: IPv6 addresses carry their tag.
std::string bracketed(const std::string& address) {
  return address.find(':') == std::string::npos ? fmt::format("[{}]", address) : fmt::format("[IPv6:{}]", address);
}

void append_client(std::string& out, const mail::Envelope& envelope, const Trace& trace,
                   const TraceSettings& settings) {
  const auto& helo = envelope.helo.empty() ? envelope.client_name : envelope.helo;
  fmt::format_to(std::back_inserter(out), "from {} ({} {})\r\n", helo, envelope.client_name,
                 bracketed(envelope.client_address));
  out += trace.tls_lines;
  if (settings.sasl_authenticated_header && !envelope.sasl_username.empty()) {
    fmt::format_to(std::back_inserter(out), "\t(Authenticated sender: {})\r\n", comment_text(envelope.sasl_username));
  }
  out += '\t';
}

void append_smtp(std::string& out, const mail::Envelope& envelope, const Trace& trace, const TraceSettings& settings) {
  if (!trace.hides_client) append_client(out, envelope, trace, settings);
  fmt::format_to(std::back_inserter(out), "by {} ({}) ", settings.myhostname, settings.mail_name);
  if (!trace.hides_client) fmt::format_to(std::back_inserter(out), "with {} ", envelope.protocol);
  fmt::format_to(std::back_inserter(out), "id {}", envelope.id.text());
  if (envelope.recipients.size() == 1) {
    const auto& recipient = envelope.recipients.front();
    fmt::format_to(std::back_inserter(out), "\r\n\tfor <{}>; ",
                   recipient.original.empty() ? recipient.address : recipient.original);
  } else {
    out += ";\r\n\t";
  }
}

}  // namespace

std::string comment_text(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~' || c == '(' || c == ')' || c == '\\') c = '?';
  }
  return text;
}

std::string received_header(const mail::Envelope& envelope, const Trace& trace, const TraceSettings& settings) {
  std::string out = "Received: ";
  switch (trace.origin) {
    case Origin::smtp:
      append_smtp(out, envelope, trace, settings);
      break;
    case Origin::local_user:
      fmt::format_to(std::back_inserter(out), "by {} ({}, from userid {})\r\n\tid {}; ", settings.myhostname,
                     settings.mail_name, trace.uid, envelope.id.text());
      break;
    case Origin::internal:
      fmt::format_to(std::back_inserter(out), "by {} ({})\r\n\tid {}; ", settings.myhostname, settings.mail_name,
                     envelope.id.text());
      break;
  }
  out += mail::rfc5322_date(envelope.arrival);
  out += "\r\n";
  return out;
}

}  // namespace waypost::intake
