// The name of a queued message, in one of Postfix's two shapes.
//
// Short: five hexadecimal digits of the arrival's microseconds, then a number in hexadecimal (there the inode, here a
// counter that the spool continues after a restart). Parsers of mail logs depend on this shape: [0-9A-F]{6,}.
// Long (enable_long_queue_ids): six digits of the arrival's seconds and four of its microseconds, both to base 52, a
// "z", and a number to base 51. Names sort by time and come back never, which short ones do.
//
// Both live in 64 bits: above the largest number of microseconds there is room for time and number of the long form.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace waypost {

class QueueId {
 public:
  static constexpr std::uint64_t kMaxNumber = (std::uint64_t{1} << 44) - 1;

  constexpr QueueId() = default;
  constexpr QueueId(std::uint32_t microseconds, std::uint64_t number)
      : bits_((std::uint64_t{microseconds % kSecond} << 44) | (number & kMaxNumber)) {}
  static constexpr QueueId from_bits(std::uint64_t bits) {
    QueueId id;
    id.bits_ = bits;
    return id;
  }
  // The first long name of a microsecond; the next 127 follow it as bits. Good until the year 2181.
  static constexpr QueueId first_long(WallTime when) {
    const auto since_epoch = static_cast<std::uint64_t>(when.time_since_epoch().count());
    return from_bits(kFirstLong + ((since_epoch % kMaxLongTime) << kLongNumberBits));
  }
  static std::optional<QueueId> parse(std::string_view text);

  std::string text() const;
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr bool is_long() const { return bits_ >= kFirstLong; }
  constexpr std::uint64_t number() const { return is_long() ? 0 : bits_ & kMaxNumber; }  // of a short name
  constexpr explicit operator bool() const { return bits_ != 0; }
  constexpr auto operator<=>(const QueueId&) const = default;

 private:
  static constexpr std::uint32_t kSecond = 1'000'000;
  static constexpr std::uint64_t kFirstLong = std::uint64_t{kSecond} << 44;
  static constexpr unsigned kLongNumberBits = 7;
  static constexpr std::uint64_t kMaxLongTime = (~kFirstLong + 1) >> kLongNumberBits;

  static std::optional<QueueId> parse_short(std::string_view text);
  static std::optional<QueueId> parse_long(std::string_view text);
  std::string long_text() const;

  std::uint64_t bits_ = 0;
};

// Hands out ids. Any thread. Start it above every number, and every long name, that the spool holds.
class QueueIdSource {
 public:
  explicit QueueIdSource(std::uint64_t first_number, QueueId newest_long = {})
      : next_(first_number), newest_long_(newest_long.bits()) {}
  // Long names follow the clock, and each other when the clock stands or goes back.
  QueueId next(WallTime now);
  // enable_long_queue_ids; names given out before stay good.
  void use_long(bool wanted) { long_.store(wanted, std::memory_order_relaxed); }

 private:
  QueueId next_long(WallTime now);

  std::atomic<std::uint64_t> next_;
  std::atomic<std::uint64_t> newest_long_;
  std::atomic<bool> long_ = false;
};

}  // namespace waypost

template <>
struct std::hash<waypost::QueueId> {
  std::size_t operator()(waypost::QueueId id) const noexcept {
    return std::hash<std::uint64_t>{}(id.bits() * 0x9e3779b97f4a7c15ULL);
  }
};
