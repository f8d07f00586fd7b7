#include "smtp/esmtp_parameters.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::smtp {
namespace {

constexpr const char* kDsnDisabled = "501 5.7.1 DSN support is disabled";

// Takes "KEY=" off the front of a parameter.
bool take_key(std::string_view& parameter, std::string_view key) {
  if (!istarts_with(parameter, key)) return false;
  parameter.remove_prefix(key.size());
  return true;
}

std::string unsupported(std::string_view parameter) {
  return fmt::format("555 5.5.4 Unsupported option: {}", printable(parameter));
}

// Empty: understood. Otherwise the refusal.
std::string read_size(std::string_view value, MailParameters& out) {
  const bool digits = !value.empty() && std::ranges::all_of(value, is_digit);
  if (!digits) return "501 5.5.4 Bad message size syntax";
  const auto size = parse_number(value, INT64_MAX);
  if (!size) return "552 5.3.4 Message size exceeds file system imposed limit";
  out.size = *size;
  return {};
}

std::string read_return(std::string_view value, MailParameters& out) {
  const bool again = out.dsn_return != mail::DsnReturn::unspecified;
  if (iequals(value, "FULL")) out.dsn_return = mail::DsnReturn::full;
  if (iequals(value, "HDRS")) out.dsn_return = mail::DsnReturn::headers;
  return again || out.dsn_return == mail::DsnReturn::unspecified ? "501 5.5.4 Bad RET parameter syntax" : "";
}

std::string read_envid(std::string_view value, MailParameters& out) {
  constexpr const char* kBad = "501 5.5.4 Bad ENVID parameter syntax";
  if (!out.envid.empty() || value.empty() || value.size() > kMaxEnvidBytes) return kBad;
  const auto decoded = decode_xtext(value);
  const auto is_text = [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; };
  if (!decoded || !std::ranges::all_of(*decoded, is_text)) return kBad;
  out.envid = value;
  return {};
}

std::string read_mail_parameter(std::string_view parameter, ParameterSupport support, MailParameters& out) {
  std::string_view value = parameter;
  if (take_key(value, "SIZE=")) return read_size(value, out);
  if (take_key(value, "BODY=")) {
    if (iequals(value, "8BITMIME")) return out.body = mail::BodyEncoding::eight_bit_mime, "";
    if (iequals(value, "7BIT")) return out.body = mail::BodyEncoding::seven_bit, "";
    return unsupported(parameter);
  }
  if (support.smtputf8 && iequals(parameter, "SMTPUTF8")) return out.smtputf8 = true, "";
  if (take_key(value, "AUTH=")) {
    if (!out.auth.empty()) return "503 5.5.4 Error: multiple AUTH= options";
    if (value != "<>") out.auth = value;
    return {};
  }
  if (take_key(value, "RET=")) return support.dsn ? read_return(value, out) : kDsnDisabled;
  if (take_key(value, "ENVID=")) return support.dsn ? read_envid(value, out) : kDsnDisabled;
  return unsupported(parameter);
}

// RFC 3461 §4.1: NEVER, or a list of the others.
std::uint8_t notify_bits(std::string_view value) {
  if (iequals(value, "NEVER")) return mail::Notify::kNever;
  std::uint8_t bits = 0;
  while (true) {
    const auto comma = value.find(',');
    const auto word = value.substr(0, comma);
    if (iequals(word, "SUCCESS")) {
      bits |= mail::Notify::kSuccess;
    } else if (iequals(word, "FAILURE")) {
      bits |= mail::Notify::kFailure;
    } else if (iequals(word, "DELAY")) {
      bits |= mail::Notify::kDelay;
    } else {
      return mail::Notify::kNoneGiven;
    }
    if (comma == std::string_view::npos) return bits;
    value.remove_prefix(comma + 1);
  }
}

bool is_good_orcpt(std::string_view value) {
  const auto semicolon = value.find(';');
  if (semicolon == 0 || semicolon == std::string_view::npos || value.size() > kMaxOrcptBytes) return false;
  const auto decoded = decode_xtext(value.substr(semicolon + 1));
  return decoded && decoded->find('\0') == std::string::npos;
}

std::string read_rcpt_parameter(std::string_view parameter, ParameterSupport support, RcptParameters& out) {
  std::string_view value = parameter;
  if (take_key(value, "NOTIFY=")) {
    if (!support.dsn) return kDsnDisabled;
    const bool again = out.notify != mail::Notify::kNoneGiven;
    out.notify = notify_bits(value);
    const bool bad = again || out.notify == mail::Notify::kNoneGiven;
    return bad ? "501 5.5.4 Error: Bad NOTIFY parameter syntax" : "";
  }
  if (take_key(value, "ORCPT=")) {
    if (!support.dsn) return kDsnDisabled;
    if (!out.orcpt.empty() || !is_good_orcpt(value)) return "501 5.5.4 Error: Bad ORCPT parameter syntax";
    out.orcpt = value;
    return {};
  }
  return unsupported(parameter);
}

}  // namespace

std::expected<MailParameters, std::string> parse_mail_parameters(const Command& command, std::size_t first,
                                                                 ParameterSupport support) {
  MailParameters out;
  for (std::size_t i = first; i < command.count; ++i) {
    auto refusal = read_mail_parameter(command.words[i], support, out);
    if (!refusal.empty()) return std::unexpected(std::move(refusal));
  }
  return out;
}

std::expected<RcptParameters, std::string> parse_rcpt_parameters(const Command& command, std::size_t first,
                                                                 ParameterSupport support) {
  RcptParameters out;
  for (std::size_t i = first; i < command.count; ++i) {
    auto refusal = read_rcpt_parameter(command.words[i], support, out);
    if (!refusal.empty()) return std::unexpected(std::move(refusal));
  }
  return out;
}

bool asks_for_smtputf8(const Command& command, std::size_t first) {
  for (std::size_t i = first; i < command.count; ++i) {
    if (iequals(command.words[i], "SMTPUTF8")) return true;
  }
  return false;
}

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c < '!' || c > '~' || c == '=') return std::nullopt;
    if (c != '+') {
      out += c;
      continue;
    }
    const auto digits = text.substr(i + 1, 2);
    const auto byte = digits.size() == 2 && to_upper(digits) == digits ? parse_hex(digits) : std::nullopt;
    if (!byte) return std::nullopt;
    out += static_cast<char>(*byte);
    i += 2;
  }
  return out;
}

std::string encode_xtext(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c < '!' || c > '~' || c == '+' || c == '=') {
      fmt::format_to(std::back_inserter(out), "+{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace waypost::smtp
