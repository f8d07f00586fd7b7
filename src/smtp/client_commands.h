// The envelope's commands as a client sends them: MAIL (RFC 5321 §4.1.1.2, 1870 SIZE, 6152 BODY, 3461 RET and ENVID,
// 6531 SMTPUTF8, 4954 AUTH), RCPT (§4.1.1.3, 3461 ORCPT and NOTIFY) and Postfix's XFORWARD, each with what the server
// offers. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mail/envelope.h"
#include "smtp/client_features.h"

namespace waypost::smtp {

struct MailOptions {
  std::uint64_t size_bytes = 0;
  bool eight_bit = false;   // the content has bytes above 127
  bool utf8 = false;        // the message cannot go to a server without SMTPUTF8
  bool quote = true;        // local parts that need it go out as RFC 5321 Quoted-strings
  bool empty_auth = false;  // AUTH=<>: the sender is vouched for by nobody (RFC 4954 §5)
};

void append_mail(std::string& out, const mail::Envelope& envelope, const MailOptions& parameters,
                 const ServerFeatures& features);
void append_rcpt(std::string& out, const mail::Recipient& recipient, const MailOptions& parameters,
                 const ServerFeatures& features);

// "XFORWARD NAME=... ADDR=...\r\n" and "XFORWARD PROTO=... HELO=... IDENT=... SOURCE=...\r\n": what is known about the
// client that the message came from, as far as the server asks for it; neither, one or both lines.
std::vector<std::string> xforward_commands(const mail::Envelope& envelope, const ServerFeatures& features);

// False for an address that cannot stand in a command line: control characters would end the line early.
bool is_sendable(std::string_view address);

}  // namespace waypost::smtp
