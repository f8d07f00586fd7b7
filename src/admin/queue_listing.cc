#include "admin/queue_listing.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/src.hpp>

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "mail/address.h"

namespace waypost::admin {
namespace json = boost::json;
namespace {

constexpr std::size_t kReasonColumn = 76;  // reasons end here, or overflow to the right

std::string quoted(std::string_view text) { return json::serialize(json::string(text.data(), text.size())); }

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(json::string_view(key.data(), key.size()));
  if (value == nullptr || !value->is_string()) return {};
  const auto& text = value->get_string();
  return {text.data(), text.size()};
}

std::int64_t number_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

// The widths of Postfix's two tables.
struct Columns {
  std::string_view header;
  int id, size, time;
};
constexpr Columns kShortIds{"-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------", 11, 7, 20};
constexpr Columns kLongIds{"----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------", 17, 8, 19};

// "Mon Nov 23 16:48:05 ": the first 20 characters of asctime(), the blank behind the time included.
std::string arrival_text(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm local{};
  ::localtime_r(&time, &local);
  char text[32];
  const auto length = std::strftime(text, sizeof text, "%a %b %e %H:%M:%S ", &local);
  return {text, length};
}

char mark_of(const ListedMessage& message) {
  if (message.queue_name == "active") return '*';
  return message.queue_name == "hold" ? '!' : ' ';
}

void append_message(std::string& out, const ListedMessage& message, const Columns& columns) {
  std::string id = message.queue_id;
  if (const char mark = mark_of(message); mark != ' ') id += mark;
  if (message.forced_expire) id += '#';
  fmt::format_to(std::back_inserter(out), "{:<{}} {:>{}} {:.{}} {}\n", id, columns.id, message.size_bytes, columns.size,
                 arrival_text(message.arrival_s), columns.time, message.sender);
  std::string_view previous;
  for (const auto& recipient : message.recipients) {
    if (recipient.reason != previous) {
      const std::string_view shown =
          recipient.reason.empty() ? "reason unavailable" : std::string_view(recipient.reason);
      const std::size_t padding = kReasonColumn > shown.size() ? kReasonColumn - shown.size() : 0;
      fmt::format_to(std::back_inserter(out), "{:>{}}({})\n", "", padding, shown);
      previous = recipient.reason;
    }
    fmt::format_to(std::back_inserter(out), "{:<{}} {:>{}} {:<{}} {}\n", "", columns.id, "", columns.size, "",
                   columns.time, recipient.address);
  }
}

}  // namespace

std::string listed_sender(const mail::Envelope& envelope) {
  return envelope.sender.empty() ? "MAILER-DAEMON" : mail::to_external(envelope.sender);
}

void add_pending_recipients(ListedMessage& message, const mail::Envelope& envelope, const mail::Progress& progress) {
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    const bool known = i < progress.recipients.size();
    if (known && progress.recipients[i].state != mail::RecipientState::pending) continue;
    message.recipients.push_back(
        {mail::to_external(envelope.recipients[i].address), known ? progress.recipients[i].reason : ""});
  }
}

Result<ListedMessage> parse_listing_line(std::string_view line) {
  boost::system::error_code error;
  const auto value = json::parse(json::string_view(line.data(), line.size()), error);
  if (error || !value.is_object()) return fail(Errc::invalid, "the queue listing has a line that is not a JSON object");
  const auto& object = value.get_object();
  ListedMessage message;
  message.queue_name = text_of(object, "queue_name");
  message.queue_id = text_of(object, "queue_id");
  message.arrival_s = number_of(object, "arrival_time");
  message.size_bytes = static_cast<std::uint64_t>(number_of(object, "message_size"));
  message.sender = text_of(object, "sender");
  if (const auto* forced = object.if_contains("forced_expire"); forced != nullptr && forced->is_bool())
    message.forced_expire = forced->get_bool();
  if (const auto* recipients = object.if_contains("recipients"); recipients != nullptr && recipients->is_array()) {
    for (const auto& entry : recipients->get_array()) {
      if (!entry.is_object()) continue;
      message.recipients.push_back(
          {text_of(entry.get_object(), "address"), text_of(entry.get_object(), "delay_reason")});
    }
  }
  if (message.queue_id.empty()) return fail(Errc::invalid, "the queue listing has an entry without a queue id");
  return message;
}

std::string format_listing_line(const ListedMessage& message) {
  auto out = fmt::format(
      R"({{"queue_name": {}, "queue_id": {}, "arrival_time": {}, "message_size": {}, "forced_expire": {}, "sender": {}, "recipients": [)",
      quoted(message.queue_name), quoted(message.queue_id), message.arrival_s, message.size_bytes,
      message.forced_expire, quoted(message.sender));
  for (std::size_t i = 0; i < message.recipients.size(); ++i) {
    const auto& recipient = message.recipients[i];
    fmt::format_to(std::back_inserter(out), "{}{{\"address\": {}", i == 0 ? "" : ", ", quoted(recipient.address));
    if (!recipient.reason.empty())
      fmt::format_to(std::back_inserter(out), ", \"delay_reason\": {}", quoted(recipient.reason));
    out += '}';
  }
  return out + "]}\n";
}

std::string format_mailq(const std::vector<ListedMessage>& messages, bool long_ids) {
  if (messages.empty()) return "Mail queue is empty\n";
  const Columns& columns = long_ids ? kLongIds : kShortIds;
  std::string out = fmt::format("{}\n", columns.header);
  std::uint64_t bytes = 0;
  for (const auto& message : messages) {
    append_message(out, message, columns);
    out += '\n';
    bytes += message.size_bytes;
  }
  fmt::format_to(std::back_inserter(out), "-- {} Kbytes in {} Request{}.\n", bytes / 1024, messages.size(),
                 messages.size() == 1 ? "" : "s");
  return out;
}

}  // namespace waypost::admin
