#include "smtp/client_commands.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "mail/address.h"

namespace waypost::smtp {
namespace {

// Most addresses are their own external form: no copy for those.
void append_address(std::string& out, std::string_view address) {
  if (mail::needs_quotes(mail::local_part(address)) && !address.empty()) {
    out += mail::to_external(address);
  } else {
    out += address;
  }
}

// RFC 3461 §4: xtext. `text` is plain.
void append_xtext(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || c == '+' || c == '=') {
      fmt::format_to(std::back_inserter(out), "+{:02X}", byte);
    } else {
      out += c;
    }
  }
}

// What came as xtext goes out as it came, but for bytes that xtext cannot hold.
void append_received_xtext(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c > ' ' && c < 0x7f) out += c;
  }
}

void append_orcpt(std::string& out, const mail::Recipient& recipient) {
  if (!recipient.dsn_orcpt.empty()) {
    out += " ORCPT=";
    append_received_xtext(out, recipient.dsn_orcpt);
    return;
  }
  const std::string& address = recipient.original.empty() ? recipient.address : recipient.original;
  out += " ORCPT=rfc822;";
  append_xtext(out, mail::to_external(address));
}

struct NotifyWord {
  std::uint8_t bit;
  std::string_view word;
};

constexpr std::array<NotifyWord, 4> kNotifyWords = {{
    {mail::Notify::kNever, "NEVER"},
    {mail::Notify::kSuccess, "SUCCESS"},
    {mail::Notify::kFailure, "FAILURE"},
    {mail::Notify::kDelay, "DELAY"},
}};

void append_notify(std::string& out, std::uint8_t notify) {
  std::string_view separator = " NOTIFY=";
  for (const auto& [bit, word] : kNotifyWords) {
    if ((notify & bit) == 0) continue;
    out.append(separator).append(word);
    separator = ",";
  }
}

}  // namespace

bool is_sendable(std::string_view address) {
  return std::ranges::none_of(address, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

void append_mail(std::string& out, const mail::Envelope& envelope, const MailOptions& parameters,
                 const ServerFeatures& features) {
  out += "MAIL FROM:<";
  append_address(out, envelope.sender);
  out += '>';
  if (features.size) fmt::format_to(std::back_inserter(out), " SIZE={}", parameters.size_bytes);
  if (features.eight_bit_mime && parameters.eight_bit) out += " BODY=8BITMIME";
  if (features.dsn) {
    if (envelope.dsn_return != mail::DsnReturn::unspecified) {
      out += envelope.dsn_return == mail::DsnReturn::full ? " RET=FULL" : " RET=HDRS";
    }
    if (!envelope.dsn_envid.empty()) {
      out += " ENVID=";
      append_received_xtext(out, envelope.dsn_envid);
    }
  }
  if (features.smtputf8 && parameters.utf8) out += " SMTPUTF8";
  out += "\r\n";
}

void append_rcpt(std::string& out, const mail::Recipient& recipient, const ServerFeatures& features) {
  out += "RCPT TO:<";
  append_address(out, recipient.address);
  out += '>';
  if (features.dsn) {
    append_orcpt(out, recipient);
    append_notify(out, recipient.notify);
  }
  out += "\r\n";
}

}  // namespace waypost::smtp
