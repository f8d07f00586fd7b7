// The four marks in a delivery's time, and how Postfix prints them.
#pragma once

#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/clock.h"

namespace waypost::events {

// delays=a/b/c/d: a = active - arrival, b = started - active, c = connected - started, d = done - connected.
struct DeliveryTimes {
  WallTime arrival{};                 // the client's MAIL FROM
  WallTime active{};                  // entered the active queue; unset: the message never did (a = all)
  WallTime started{};                 // handed to the agent; unset: the queue itself ended the delivery (b = the rest)
  std::optional<WallTime> connected;  // session ready (after EHLO, TLS, AUTH), or when that failed; none: d = the rest
  WallTime done{};
};

// Seconds with two significant digits, at most `max_decimals` (0..6) decimals, no trailing zeros: 0.12 2.1 421 0.
// Negative durations (the clock was set back) print 0.
void append_delay(fmt::memory_buffer& out, Duration delay, int max_decimals = 2);

// "delay=D, delays=a/b/c/d".
void append_delays(fmt::memory_buffer& out, const DeliveryTimes& times, int max_decimals = 2);

}  // namespace waypost::events
