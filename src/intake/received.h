// The Received: header that the relay puts in front of a message (RFC 5321 §4.4), in Postfix's words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mail/envelope.h"

namespace waypost::intake {

// How a message came in.
enum class Origin : std::uint8_t { smtp, local_user, internal };

struct TraceSettings {
  std::string myhostname;
  std::string mail_name = "Postfix";
  bool sasl_authenticated_header = false;  // smtpd_sasl_authenticated_header
};

struct Trace {
  Origin origin = Origin::smtp;
  // Those of the service that takes the message; null: those that IntakeSettings has for the origin.
  std::shared_ptr<const TraceSettings> settings = nullptr;
  std::uint32_t uid = 0;      // local_user: the submitter
  std::string tls_lines;      // complete continuation lines with CRLF, when smtpd_tls_received_header asks for them
  bool hides_client = false;  // smtpd_hide_client_session: nothing about the client, nor how it came in
};

// Text for a comment of a header (RFC 5322 §3.2.2 ctext): what would end or nest the comment becomes '?'.
std::string comment_text(std::string text);

// With its CRLFs. "for <recipient>" stands only when there is one.
std::string received_header(const mail::Envelope& envelope, const Trace& trace, const TraceSettings& settings);

}  // namespace waypost::intake
