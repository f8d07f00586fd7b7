// The one clock of load generator and sink: both run on the same machine, so their stamps can be subtracted.
#pragma once

#include <chrono>
#include <cstdint>

namespace waypost::bench {

inline std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline constexpr std::int64_t kNsPerMs = 1'000'000;
inline constexpr std::int64_t kNsPerSecond = 1'000'000'000;

}  // namespace waypost::bench
