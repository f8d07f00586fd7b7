// How long a blocking lookup may still take: up to a deadline, or until the relay stops. Everything that waits for a
// server waits through here. Blocks the calling thread, which is none of the io threads.
#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/result.h"

namespace waypost::tables {

// Ends all waiting, for good. Any thread.
class StopSignal {
 public:
  StopSignal();

  void raise();
  bool is_raised() const { return is_raised_; }
  // Readable once raised; -1 when the system gave none.
  int fd() const { return event_.get(); }

 private:
  Descriptor event_;
  std::atomic<bool> is_raised_{false};
};

class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  // `stop` may be null; it must outlive this.
  Patience(MonoTime deadline, const StopSignal* stop) : deadline_(deadline), stop_(stop) {}
  explicit Patience(std::chrono::milliseconds limit) : Patience(Clock::now() + limit, nullptr) {}

  // The same, but at most so long from now.
  Patience at_most(std::chrono::milliseconds limit) const;

  std::chrono::milliseconds left() const;  // 0 when it is over
  // At the deadline, or when the relay stops.
  bool is_over() const { return (stop_ != nullptr && stop_->is_raised()) || left() == std::chrono::milliseconds(0); }

  // Waits for poll(2) events on `fd`: which came. Errc::timeout ("Connection timed out") at the deadline, Errc::closed
  // when the relay stops.
  Result<short> wait(int fd, short events) const;
  // Waits for nothing. The same errors, but none when `time` has passed.
  Result<> pause(std::chrono::milliseconds time) const;

 private:
  MonoTime deadline_;
  const StopSignal* stop_;
};

}  // namespace waypost::tables
