// The threads that do all network input and output: N threads, each with an event loop of its own. A connection lives
// and dies on one of them; threads exchange owned values through post() and share nothing else.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"

namespace waypost::net {

class IoThread {
 public:
  static constexpr std::size_t kScratchBytes = 64 * 1024;

  explicit IoThread(std::size_t index);
  // Stops. Every Stream, TaskGroup and Completion of this thread must be gone before, or at least its thread stopped
  // and none of them used any more.
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // start() once; stop() ends the loop after the running callback and joins. Not from its own thread. Work that is
  // posted after stop() is kept and dropped with this object.
  void start();
  void stop();

  // Runs `work` on this thread, in order of posting, never inside this call. Any thread. Wakes the loop only if
  // nothing was waiting, so that a burst costs one wake-up.
  void post(std::move_only_function<void()> work);

  std::size_t index() const;
  bool running() const;  // between start() and stop(); for the thread that calls those
  bool on_this_thread() const;
  // The io thread that runs the caller; nullptr on any other thread.
  static IoThread* current();
  // Monotonic time: a clock read of some 20 ns.
  MonoTime now() const { return std::chrono::steady_clock::now(); }

  // One buffer for all connections of the thread: read into it, take out what is needed before the next await. A
  // Stream fills it only right before it resumes its reader, so that waiting with it costs no memory. Its thread only.
  std::span<char> scratch();

  struct Impl;  // net/ only
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// The pool. Construct, start, and stop from one thread that is none of them.
class IoThreads {
 public:
  explicit IoThreads(std::size_t count);
  ~IoThreads();
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  void start();
  void stop();
  std::size_t size() const { return threads_.size(); }
  IoThread& operator[](std::size_t index) { return *threads_[index]; }
  // Round-robin. Any thread.
  IoThread& next();

 private:
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace waypost::net
