// TaskGroup: the only way to start a coroutine that nobody awaits. It counts them, tells them to stop, and knows when
// the last one ended. One group belongs to one io thread; all calls are made there.
#pragma once

#include <coroutine>
#include <cstddef>
#include <functional>

#include "base/clock.h"
#include "net/io_thread.h"
#include "net/sleep.h"
#include "net/task.h"

namespace waypost::net {

class StopHook;

class TaskGroup {
 public:
  explicit TaskGroup(IoThread& thread) : thread_(thread), ended_(thread) {}
  // Destroys the frames of tasks that have not finished, newest first. On its thread, or after that was stopped.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Runs `task` at once, up to where it first waits. It must own what it uses: values and owners, no views.
  void spawn(Task<void> task);

  std::size_t size() const { return size_; }
  IoThread& thread() { return thread_; }

  // Raises the flag, for good, and calls the hooks. Tasks look at it where they would begin something new.
  void request_stop();
  bool stop_requested() const { return stop_requested_; }

  // True when no task is left, false at the deadline. Await it from outside the group, one waiter at a time.
  Task<bool> drained(MonoTime deadline = MonoTime::max());

 private:
  friend class StopHook;
  struct Root;  // the coroutine around a spawned task
  struct Node;  // its place in the list

  IoThread& thread_;
  Node* tasks_ = nullptr;
  StopHook* hooks_ = nullptr;
  std::size_t size_ = 0;
  bool stop_requested_ = false;
  Sleeper ended_;  // woken whenever a task ends
};

// Calls `on_stop` once when the group is asked to stop (never, if it was asked before: look at stop_requested() first).
// Typical: wake a Sleeper, cancel a Stream. Lives on the group's thread, not longer than the group.
class StopHook {
 public:
  StopHook(TaskGroup& group, std::move_only_function<void()> on_stop);
  ~StopHook();
  StopHook(const StopHook&) = delete;
  StopHook& operator=(const StopHook&) = delete;

 private:
  friend class TaskGroup;
  void unlink();

  TaskGroup* group_;
  std::move_only_function<void()> on_stop_;
  StopHook* next_ = nullptr;
  StopHook* previous_ = nullptr;
};

}  // namespace waypost::net
