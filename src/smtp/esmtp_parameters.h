// The parameters of MAIL FROM and RCPT TO (RFC 1870, 3461, 4954, 6152, 6531). A refusal is the reply's line as it goes
// out; success costs no allocation. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "mail/envelope.h"
#include "smtp/command.h"

namespace waypost::smtp {

// RFC 3461 §4.4, §4.2: limits of the parameters' length.
inline constexpr std::size_t kMaxEnvidBytes = 100;
inline constexpr std::size_t kMaxOrcptBytes = 500;

// What this session understands; the rest is "Unsupported option".
struct ParameterSupport {
  bool dsn = true;
  bool smtputf8 = false;
};

struct MailParameters {
  std::uint64_t size = 0;  // 0: not said
  mail::BodyEncoding body = mail::BodyEncoding::unspecified;
  mail::DsnReturn dsn_return = mail::DsnReturn::unspecified;
  bool smtputf8 = false;
  std::string_view envid;  // xtext
  std::string_view auth;   // AUTH=, xtext; "<>" is told as empty
};

struct RcptParameters {
  std::uint8_t notify = mail::Notify::kNoneGiven;
  std::string_view orcpt;  // "rfc822;user@example.com", xtext
};

// `first`: index of the first parameter in the command's words. The views point into the command.
std::expected<MailParameters, std::string> parse_mail_parameters(const Command& command, std::size_t first,
                                                                 ParameterSupport support);
std::expected<RcptParameters, std::string> parse_rcpt_parameters(const Command& command, std::size_t first,
                                                                 ParameterSupport support);
// Whether MAIL asks for SMTPUTF8: that decides how its address is read.
bool asks_for_smtputf8(const Command& command, std::size_t first);

// RFC 3461 §4. nullopt: a '+' without two upper-case hexadecimal digits, '=' or a byte outside the printable ones.
std::optional<std::string> decode_xtext(std::string_view text);
// Bytes outside '!'..'~', '+' and '=' become "+XX".
std::string encode_xtext(std::string_view text);

}  // namespace waypost::smtp
