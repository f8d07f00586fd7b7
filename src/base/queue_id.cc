#include "base/queue_id.h"

#include <fmt/format.h>

#include "base/text.h"

namespace waypost {

std::optional<QueueId> QueueId::parse(std::string_view text) {
  constexpr std::size_t kMicrosecondDigits = 5;
  if (text.size() <= kMicrosecondDigits || text.size() > kMicrosecondDigits + 11) return std::nullopt;
  const auto microseconds = parse_hex(text.substr(0, kMicrosecondDigits));
  const auto number = parse_hex(text.substr(kMicrosecondDigits));
  if (!microseconds || !number || *microseconds >= 1'000'000 || *number > kMaxNumber) return std::nullopt;
  const QueueId id(static_cast<std::uint32_t>(*microseconds), *number);
  if (id.text() != text) return std::nullopt;  // leading zeros, lower case: not an id that we would print
  return id;
}

std::string QueueId::text() const { return fmt::format("{:05X}{:X}", bits_ >> 44, number()); }

QueueId QueueIdSource::next(WallTime now) {
  const auto since_epoch = now.time_since_epoch().count();
  return QueueId(static_cast<std::uint32_t>(since_epoch % 1'000'000), next_.fetch_add(1, std::memory_order_relaxed));
}

}  // namespace waypost
