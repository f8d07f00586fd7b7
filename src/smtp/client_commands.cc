#include "smtp/client_commands.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "mail/address.h"

namespace waypost::smtp {
namespace {

// Most addresses are their own external form: no copy for those.
void append_address(std::string& out, std::string_view address, bool quote) {
  if (quote && mail::needs_quotes(mail::local_part(address)) && !address.empty()) {
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

// One XFORWARD line: attributes that the server asks for and that have a value.
class XforwardLine {
 public:
  explicit XforwardLine(const ServerFeatures& features) : features_(features) {}

  void add(std::uint8_t attribute, std::string_view name, std::string_view value) {
    if ((features_.xforward & attribute) == 0 || value.empty() || value == "unknown") return;
    text_.append(" ").append(name).append("=");
    append_xtext(text_, value);
  }
  void append_to(std::vector<std::string>& lines) const {
    if (!text_.empty()) lines.push_back("XFORWARD" + text_ + "\r\n");
  }

 private:
  const ServerFeatures& features_;
  std::string text_;
};

}  // namespace

std::vector<std::string> xforward_commands(const mail::Envelope& envelope, const ServerFeatures& features) {
  XforwardLine client(features);
  client.add(Xforward::kName, "NAME", envelope.client_name);
  client.add(Xforward::kAddress, "ADDR", envelope.client_address);
  XforwardLine message(features);
  message.add(Xforward::kProtocol, "PROTO", envelope.protocol);
  message.add(Xforward::kHelo, "HELO", envelope.helo);
  message.add(Xforward::kIdent, "IDENT", envelope.id.text());
  // The next system rewrites headers of local mail only.
  message.add(Xforward::kSource, "SOURCE", envelope.client_address.empty() ? "LOCAL" : "REMOTE");
  std::vector<std::string> lines;
  client.append_to(lines);
  message.append_to(lines);
  return lines;
}

bool is_sendable(std::string_view address) {
  return std::ranges::none_of(address, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

void append_mail(std::string& out, const mail::Envelope& envelope, const MailOptions& parameters,
                 const ServerFeatures& features) {
  out += "MAIL FROM:<";
  append_address(out, envelope.sender, parameters.quote);
  out += '>';
  if (features.size) fmt::format_to(std::back_inserter(out), " SIZE={}", parameters.size_bytes);
  if (features.eight_bit_mime && parameters.eight_bit) {
    out += " BODY=8BITMIME";
  } else if (features.eight_bit_mime && envelope.encoding == mail::BodyEncoding::seven_bit) {
    out += " BODY=7BIT";
  }
  if (features.dsn) {
    if (!envelope.dsn_envid.empty()) {
      out += " ENVID=";
      append_received_xtext(out, envelope.dsn_envid);
    }
    if (envelope.dsn_return != mail::DsnReturn::unspecified) {
      out += envelope.dsn_return == mail::DsnReturn::full ? " RET=FULL" : " RET=HDRS";
    }
  }
  if (features.smtputf8 && envelope.smtputf8) out += " SMTPUTF8";
  if (features.auth && parameters.empty_auth) out += " AUTH=<>";
  out += "\r\n";
}

void append_rcpt(std::string& out, const mail::Recipient& recipient, const MailOptions& parameters,
                 const ServerFeatures& features) {
  out += "RCPT TO:<";
  append_address(out, recipient.address, parameters.quote);
  out += '>';
  if (features.dsn) {
    append_orcpt(out, recipient);
    append_notify(out, recipient.notify);
  }
  out += "\r\n";
}

}  // namespace waypost::smtp
