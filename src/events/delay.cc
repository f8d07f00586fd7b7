#include "events/delay.h"

#include <algorithm>
#include <array>

namespace waypost::events {

namespace {

constexpr std::int64_t kMicrosecond = 1'000'000;
constexpr std::int64_t kSignificant = 100;  // two digits

// The unit (in microseconds) that the value is rounded to.
std::int64_t resolution(std::int64_t microseconds, int max_decimals) {
  constexpr std::array<std::int64_t, 7> kPowers = {1, 10, 100, 1'000, 10'000, 100'000, kMicrosecond};
  std::int64_t unit = kMicrosecond / kPowers.at(static_cast<std::size_t>(std::clamp(max_decimals, 0, 6)));
  while (unit < kMicrosecond && microseconds >= kSignificant * unit) unit *= 10;
  return unit;
}

}  // namespace

void append_delay(fmt::memory_buffer& out, Duration delay, int max_decimals) {
  const std::int64_t value = std::max<std::int64_t>(delay.count(), 0);
  const std::int64_t unit = resolution(value, max_decimals);
  const std::int64_t rounded = (value + unit / 2) / unit * unit;
  fmt::format_to(std::back_inserter(out), "{}", rounded / kMicrosecond);
  std::int64_t rest = rounded % kMicrosecond;
  if (rest == 0) return;
  out.push_back('.');
  for (std::int64_t place = kMicrosecond / 10; rest > 0; place /= 10) {
    out.push_back(static_cast<char>('0' + rest / place));
    rest %= place;
  }
}

void append_delays(fmt::memory_buffer& out, const DeliveryTimes& times, int max_decimals) {
  const auto add = [&](Duration delay) { append_delay(out, delay, max_decimals); };
  const auto text = [&](std::string_view t) { out.append(t); };
  const WallTime active = times.active == WallTime{} ? times.done : times.active;
  const WallTime started = times.started == WallTime{} ? times.done : times.started;
  const WallTime connected = times.connected.value_or(started);
  text("delay=");
  add(times.done - times.arrival);
  text(", delays=");
  add(active - times.arrival);
  text("/");
  add(started - active);
  text("/");
  add(connected - started);
  text("/");
  add(times.done - connected);
}

}  // namespace waypost::events
