// One TaskGroup an io thread, and how all of them end together.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "net/io_thread.h"
#include "net/task_group.h"

namespace waypost::daemon {

class Groups {
 public:
  explicit Groups(net::IoThreads& threads);
  Groups(const Groups&) = delete;
  Groups& operator=(const Groups&) = delete;

  // On the io thread of that index.
  net::TaskGroup& operator[](std::size_t index) { return *groups_[index]; }

  // From a thread that is no io thread:
  void request_stop();
  // True when no task is left on any thread, false when some were at the deadline. Blocks.
  bool wait(std::chrono::milliseconds limit);
  // Destroys what is left, each frame on its thread. Blocks.
  void clear();

 private:
  net::IoThreads& threads_;
  std::vector<std::unique_ptr<net::TaskGroup>> groups_;
};

}  // namespace waypost::daemon
