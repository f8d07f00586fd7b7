// Time as a value that is handed in, so that schedules run in simulated time in tests.
// WallTime is what the log, Received: lines and the spool carry; MonoTime is what deadlines and intervals use.
#pragma once

#include <chrono>

namespace waypost {

using Duration = std::chrono::microseconds;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual MonoTime mono() const = 0;
};

// The machine's clocks. Any thread.
class SystemClock final : public Clock {
 public:
  WallTime wall() const override { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }
  MonoTime mono() const override { return std::chrono::steady_clock::now(); }
};

// For tests: stands still until told to move.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime{std::chrono::seconds{1'700'000'000}}) : wall_(start) {}
  WallTime wall() const override { return wall_; }
  MonoTime mono() const override { return mono_; }
  void advance(Duration by) {
    wall_ += by;
    mono_ += by;
  }

 private:
  WallTime wall_;
  MonoTime mono_{std::chrono::hours{1}};
};

}  // namespace waypost
