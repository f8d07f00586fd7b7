#include "base/queue_id.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost {
namespace {

// No vowels, so that no name spells a word. The last digit separates the parts of a long name.
constexpr std::string_view kDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
constexpr std::uint64_t kTimeBase = kDigits.size(), kNumberBase = kDigits.size() - 1;
constexpr std::size_t kSecondsDigits = 6, kMicrosecondsDigits = 4, kTimeDigits = kSecondsDigits + kMicrosecondsDigits;
// Added to the number of a long name: it then has two digits always, and the name the length of Postfix's.
constexpr std::uint64_t kNumberOffset = kNumberBase;

std::string to_digits(std::uint64_t value, std::uint64_t base, std::size_t width) {
  std::string out;
  for (; value > 0; value /= base) out += kDigits[value % base];
  while (out.size() < width) out += kDigits[0];
  std::ranges::reverse(out);
  return out;
}

std::optional<std::uint64_t> from_digits(std::string_view text, std::uint64_t base) {
  std::uint64_t out = 0;
  for (const char c : text) {
    const auto digit = kDigits.substr(0, base).find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    out = out * base + digit;
  }
  return out;
}

}  // namespace

std::optional<QueueId> QueueId::parse(std::string_view text) {
  const bool may_be_long = text.size() > kTimeDigits && text[kTimeDigits] == kDigits.back();
  const auto id = may_be_long ? parse_long(text) : parse_short(text);
  // Leading zeros, lower case in a short name: not an id that we would print.
  return id && id->text() == text ? id : std::nullopt;
}

std::optional<QueueId> QueueId::parse_short(std::string_view text) {
  constexpr std::size_t kDigitsOfTime = 5, kMaxDigitsOfNumber = 11;
  if (text.size() <= kDigitsOfTime || text.size() > kDigitsOfTime + kMaxDigitsOfNumber) return std::nullopt;
  const auto microseconds = parse_hex(text.substr(0, kDigitsOfTime));
  const auto number = parse_hex(text.substr(kDigitsOfTime));
  if (!microseconds || !number || *microseconds >= kSecond || *number > kMaxNumber) return std::nullopt;
  return QueueId(static_cast<std::uint32_t>(*microseconds), *number);
}

std::optional<QueueId> QueueId::parse_long(std::string_view text) {
  constexpr std::size_t kNumberDigits = 2;
  if (text.size() != kTimeDigits + 1 + kNumberDigits) return std::nullopt;
  const auto seconds = from_digits(text.substr(0, kSecondsDigits), kTimeBase);
  const auto microseconds = from_digits(text.substr(kSecondsDigits, kMicrosecondsDigits), kTimeBase);
  const auto number = from_digits(text.substr(kTimeDigits + 1), kNumberBase);
  if (!seconds || !microseconds || !number || *microseconds >= kSecond || *number < kNumberOffset) return std::nullopt;
  const auto time = *seconds * kSecond + *microseconds;
  const auto small = *number - kNumberOffset;
  if (time >= kMaxLongTime || small >> kLongNumberBits != 0) return std::nullopt;
  return from_bits(kFirstLong + (time << kLongNumberBits | small));
}

std::string QueueId::text() const { return is_long() ? long_text() : fmt::format("{:05X}{:X}", bits_ >> 44, number()); }

std::string QueueId::long_text() const {
  const auto time = (bits_ - kFirstLong) >> kLongNumberBits;
  const auto number = bits_ & ((std::uint64_t{1} << kLongNumberBits) - 1);
  return fmt::format("{}{}{}{}", to_digits(time / kSecond, kTimeBase, kSecondsDigits),
                     to_digits(time % kSecond, kTimeBase, kMicrosecondsDigits), kDigits.back(),
                     to_digits(number + kNumberOffset, kNumberBase, 0));
}

QueueId QueueIdSource::next(WallTime now) {
  if (long_.load(std::memory_order_relaxed)) return next_long(now);
  const auto since_epoch = now.time_since_epoch().count();
  return QueueId(static_cast<std::uint32_t>(since_epoch % 1'000'000), next_.fetch_add(1, std::memory_order_relaxed));
}

QueueId QueueIdSource::next_long(WallTime now) {
  const auto wanted = QueueId::first_long(now).bits();
  auto newest = newest_long_.load(std::memory_order_relaxed);
  while (!newest_long_.compare_exchange_weak(newest, std::max(wanted, newest + 1), std::memory_order_relaxed)) continue;
  return QueueId::from_bits(std::max(wanted, newest + 1));
}

}  // namespace waypost
