#include "events/events.h"

#include <array>
#include <atomic>

#include "base/text.h"
#include "mail/address.h"

namespace waypost::events {

namespace {

std::atomic<bool> internal_addresses = false;

void append_address(fmt::memory_buffer& out, std::string_view address) {
  if (!internal_addresses.load(std::memory_order_relaxed) && mail::needs_quotes(mail::local_part(address))) {
    out.append(mail::to_external(address));
  } else {
    out.append(address);
  }
}

std::string_view text_of(const fmt::memory_buffer& buffer) { return {buffer.data(), buffer.size()}; }

}  // namespace

void log_internal_addresses(bool internal) { internal_addresses.store(internal, std::memory_order_relaxed); }

std::string log_address(std::string_view address) {
  if (internal_addresses.load(std::memory_order_relaxed)) return std::string(address);
  return mail::to_external(address);
}

void message_id(const Log& log, QueueId id, std::string_view value) {
  log.info("{}: message-id={}", id.text(), value.empty() ? std::string_view("<>") : value);
}

void resent_message_id(const Log& log, QueueId id, std::string_view value) {
  log.info("{}: resent-message-id={}", id.text(), value);
}

void picked_up(const Log& log, QueueId id, std::uint32_t uid, std::string_view sender, std::string_view original_id) {
  log.info("{}: uid={} from=<{}>{}{}", id.text(), uid, log_address(sender),
           original_id.empty() ? "" : " orig_id=", original_id);
}

void active(const Log& log, QueueId id, std::string_view sender, std::uint64_t size, std::size_t recipients) {
  log.info("{}: from=<{}>, size={}, nrcpt={} (queue active)", id.text(), log_address(sender), size, recipients);
}

void removed(const Log& log, QueueId id) { log.info("{}: removed", id.text()); }

void expired(const Log& log, QueueId id, std::string_view sender, bool by_operator) {
  log.info("{}: from=<{}>, status={}, returned to sender", id.text(), log_address(sender),
           by_operator ? "force-expired" : "expired");
}

void note(const Log& log, QueueId id, std::string_view text) { log.info("{}: {}", id.text(), text); }

void delivery(const Log& log, const Delivery& event) {
  fmt::memory_buffer line;
  const auto out = std::back_inserter(line);
  const mail::Recipient& recipient = *event.recipient;
  fmt::format_to(out, "{}: to=<", event.id.text());
  append_address(line, recipient.address);
  if (!recipient.original.empty() && !iequals(recipient.original, recipient.address)) {
    line.append(std::string_view(">, orig_to=<"));
    append_address(line, recipient.original);
  }
  fmt::format_to(out, ">, relay={}", event.relay);
  if (event.connection_use > 1) fmt::format_to(out, ", conn_use={}", event.connection_use);
  line.append(std::string_view(", "));
  append_delays(line, event.times, event.delay_decimals);
  if (!event.tls.empty()) fmt::format_to(out, ", tls={}", event.tls);
  fmt::format_to(out, ", dsn={}, status={} ({})", event.dsn, event.status, event.text);
  log.write(LogLevel::info, text_of(line));
}

void notice_sent(const Log& log, QueueId id, Notice notice, QueueId new_id) {
  constexpr std::array kNames = {"sender non-delivery notification", "sender delay notification",
                                 "sender delivery status notification", "postmaster non-delivery notification",
                                 "postmaster delay notification"};
  log.info("{}: {}: {}", id.text(), kNames.at(static_cast<std::size_t>(notice)), new_id.text());
}

}  // namespace waypost::events
