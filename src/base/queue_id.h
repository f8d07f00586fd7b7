// The name of a queued message, printed as Postfix's short queue ID: five hexadecimal digits of the arrival's
// microseconds, then a number in hexadecimal (there the inode, here a counter that the spool continues after a
// restart). Parsers of mail logs depend on this shape: [0-9A-F]{6,}.
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
      : bits_((std::uint64_t{microseconds % 1'000'000} << 44) | (number & kMaxNumber)) {}
  static constexpr QueueId from_bits(std::uint64_t bits) {
    QueueId id;
    id.bits_ = bits;
    return id;
  }
  static std::optional<QueueId> parse(std::string_view text);

  std::string text() const;
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr std::uint64_t number() const { return bits_ & kMaxNumber; }
  constexpr explicit operator bool() const { return bits_ != 0; }
  constexpr auto operator<=>(const QueueId&) const = default;

 private:
  std::uint64_t bits_ = 0;
};

// Hands out ids. Any thread. Start it above every number the spool holds.
class QueueIdSource {
 public:
  explicit QueueIdSource(std::uint64_t first_number) : next_(first_number) {}
  QueueId next(WallTime now);

 private:
  std::atomic<std::uint64_t> next_;
};

}  // namespace waypost

template <>
struct std::hash<waypost::QueueId> {
  std::size_t operator()(waypost::QueueId id) const noexcept {
    return std::hash<std::uint64_t>{}(id.bits() * 0x9e3779b97f4a7c15ULL);
  }
};
