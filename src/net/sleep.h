// Waiting for a moment. Deadlines are kept to 10 ms (late, never early). Timers exist only here and in Stream.
#pragma once

#include <coroutine>

#include "base/clock.h"
#include "net/deadline_queue.h"
#include "net/io_thread.h"
#include "net/task.h"

namespace waypost::net {

// A wait that others on the same thread can end early: "until work comes, at most two seconds". One waiter at a time.
class Sleeper final : private DeadlineNode {
 public:
  explicit Sleeper(IoThread& thread) : thread_(thread) {}

  // co_await sleeper.until(when): true when the moment came, false when wake() was called (also before the wait).
  auto until(MonoTime when) { return Awaiter{*this, when}; }
  // Ends the running wait, or the next one if none runs. The waiter resumes inside a later turn of the loop.
  void wake();

 private:
  struct [[nodiscard]] Awaiter {
    Sleeper& sleeper;
    MonoTime when;
    bool suspended = false;
    Awaiter(Sleeper& owner, MonoTime moment) : sleeper(owner), when(moment) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      if (suspended) sleeper.abandon();
    }
    bool await_ready() const { return sleeper.woken_; }
    void await_suspend(std::coroutine_handle<> waiter) {
      suspended = true;
      sleeper.begin(waiter, when);
    }
    bool await_resume() {
      suspended = false;
      return sleeper.finish();
    }
  };

  void begin(std::coroutine_handle<> waiter, MonoTime when);
  bool finish();
  void abandon();
  void expired() override;

  IoThread& thread_;
  std::coroutine_handle<> waiter_;
  bool woken_ = false;
};

// Always true: the moment came. What must be ended early uses a Sleeper.
Task<bool> sleep_until(IoThread& thread, MonoTime when);

}  // namespace waypost::net
