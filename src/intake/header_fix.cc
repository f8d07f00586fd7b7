#include "intake/header_fix.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "base/text.h"
#include "mail/address.h"
#include "mail/date.h"

namespace waypost::intake {
namespace {

using mail::HeaderName;

bool is_dropped(std::string_view field, const HeaderSettings& settings) {
  const auto name = trim_right(field.substr(0, field.find(':')));
  return std::ranges::any_of(settings.drop, [&](const std::string& dropped) { return iequals(name, dropped); });
}

// How much of a field stays. Its line ends count one byte each, as in Postfix; the last one does not count, and stays.
std::size_t kept_length(std::string_view field, std::size_t limit) {
  std::size_t at = 0;
  for (std::size_t counted = 0; at < field.size() && counted < limit; ++at) {
    if (field[at] != '\r') ++counted;
  }
  while (at > 0 && (field[at - 1] == '\r' || field[at - 1] == '\n')) --at;
  return at;
}

std::size_t line_end_length(std::string_view field) {
  return field.ends_with("\r\n") ? 2 : static_cast<std::size_t>(field.ends_with('\n'));
}

// Removes dropped fields, and the ends of those that are too long; from behind, so that offsets before them stay true.
// Returns how many bytes went.
std::size_t cut_fields(std::string& content, std::size_t start, const mail::HeaderScan& scan,
                       const HeaderSettings& settings) {
  std::size_t removed = 0;
  for (auto field = scan.fields().rbegin(); field != scan.fields().rend(); ++field) {
    const auto text = std::string_view(content).substr(start + field->offset, field->length);
    std::size_t kept = text.size();
    if (is_dropped(text, settings)) {
      kept = 0;
    } else if (text.size() > settings.size_limit) {
      kept = std::min(kept, kept_length(text, settings.size_limit) + line_end_length(text));
    }
    if (kept == text.size()) continue;
    const std::size_t excess = text.size() - kept;
    content.erase(start + field->offset + (kept == 0 ? 0 : kept - line_end_length(text)), excess);
    removed += excess;
  }
  return removed;
}

// "<20261123164805.B23C5606@relay.example.com>", the time in UTC; a long queue id holds the time already.
std::string make_message_id(const mail::Envelope& envelope, const HeaderSettings& settings) {
  if (envelope.id.is_long()) return fmt::format("<{}@{}>", envelope.id.text(), settings.myhostname);
  const auto seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(envelope.arrival));
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char stamp[32];
  const auto length = std::strftime(stamp, sizeof stamp, "%Y%m%d%H%M%S", &utc);
  return fmt::format("<{}.{}@{}>", std::string_view(stamp, length), envelope.id.text(), settings.myhostname);
}

// A display name as RFC 5322 §3.2.5 wants it: quoted when it has anything but atoms and blanks.
std::string phrase(std::string_view name) {
  const bool plain =
      std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == ' ' || c == '-' || c == '_' || c == '\''; });
  if (plain) return std::string(name);
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string from_header(const mail::Envelope& envelope, const Completion& completion) {
  const auto sender = envelope.sender.empty() ? std::string("MAILER-DAEMON") : mail::to_external(envelope.sender);
  if (completion.full_name.empty()) return fmt::format("From: {}\r\n", sender);
  return fmt::format("From: {} <{}>\r\n", phrase(completion.full_name), sender);
}

std::string missing_headers(const mail::HeaderScan& scan, const mail::Envelope& envelope, const Completion& completion,
                            const HeaderSettings& settings, std::string& message_id) {
  // RFC 5322 §3.6.6: a resent message is completed in its Resent- fields.
  const std::string prefix = scan.is_resent() ? "Resent-" : "";
  const auto has = [&](HeaderName plain, HeaderName resent) { return scan.has(scan.is_resent() ? resent : plain); };
  std::string out;
  if (!has(HeaderName::message_id, HeaderName::resent_message_id)) {
    const auto id = make_message_id(envelope, settings);
    if (!scan.is_resent()) message_id = id;
    out += fmt::format("{}Message-Id: {}\r\n", prefix, id);
  }
  if (!has(HeaderName::date, HeaderName::resent_date))
    out += fmt::format("{}Date: {}\r\n", prefix, mail::rfc5322_date(envelope.arrival));
  if (!has(HeaderName::from, HeaderName::resent_from)) out += prefix + from_header(envelope, completion);
  const bool addressed = scan.has(HeaderName::to) || scan.has(HeaderName::cc) || scan.has(HeaderName::resent_to) ||
                         scan.has(HeaderName::resent_cc);
  if (!addressed && !settings.undisclosed_recipients.empty()) out += settings.undisclosed_recipients + "\r\n";
  return out;
}

}  // namespace

std::string fix_headers(std::string& content, std::size_t start, const mail::HeaderScan& scan,
                        const mail::Envelope& envelope, const Completion& completion, const HeaderSettings& settings) {
  std::string message_id = scan.message_id();
  auto insert_at = start + static_cast<std::size_t>(scan.fields_end());
  insert_at -= cut_fields(content, start, scan, settings);
  std::string added;
  if (completion.wanted) added = missing_headers(scan, envelope, completion, settings, message_id);
  // A message that begins with its body needs the line between: our own Received: is a header now.
  if (!scan.has_separator()) added += "\r\n";
  if (!added.empty()) content.insert(insert_at, added);
  return message_id;
}

}  // namespace waypost::intake
