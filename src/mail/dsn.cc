#include "mail/dsn.h"

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::mail {

namespace {

constexpr std::size_t kMaxDigits = 3;

// One to three digits at the start of `text`, which is cut by them.
std::optional<std::uint16_t> take_digits(std::string_view& text) {
  std::size_t n = 0;
  unsigned value = 0;
  while (n < text.size() && is_digit(text[n])) {
    if (n == kMaxDigits) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(text[n++] - '0');
  }
  if (n == 0) return std::nullopt;
  text.remove_prefix(n);
  return static_cast<std::uint16_t>(value);
}

bool take_dot(std::string_view& text) {
  if (!text.starts_with('.')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string EnhancedStatus::text() const { return fmt::format("{}.{}.{}", klass, subject, detail); }

std::optional<EnhancedStatus> take_status(std::string_view& text) {
  std::string_view rest = text;
  if (rest.empty() || (rest[0] != '2' && rest[0] != '4' && rest[0] != '5')) return std::nullopt;
  EnhancedStatus status;
  status.klass = static_cast<std::uint8_t>(rest[0] - '0');
  rest.remove_prefix(1);
  if (!take_dot(rest)) return std::nullopt;
  const auto subject = take_digits(rest);
  if (!subject || !take_dot(rest)) return std::nullopt;
  const auto detail = take_digits(rest);
  if (!detail || !(rest.empty() || is_space(rest[0]))) return std::nullopt;
  status.subject = *subject;
  status.detail = *detail;
  text = trim_left(rest);
  return status;
}

std::optional<EnhancedStatus> parse_status(std::string_view text) {
  const auto status = take_status(text);
  return text.empty() ? status : std::nullopt;
}

std::string status_for_reply(int reply_code, std::string_view enhanced) {
  const int klass = reply_code / 100;
  if (klass != 2 && klass != 4 && klass != 5) return "5.5.0";
  return with_class(enhanced, static_cast<std::uint8_t>(klass));
}

std::string with_class(std::string_view status, std::uint8_t klass) {
  auto parsed = parse_status(status).value_or(EnhancedStatus{});
  parsed.klass = klass;
  return parsed.text();
}

}  // namespace waypost::mail
