// sync_wait: runs a Task on an io thread and blocks the calling thread, which must be none of them, until it ended.
// For command-line tools and tests.
#pragma once

#include <future>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "net/io_thread.h"
#include "net/task.h"
#include "net/task_group.h"

namespace waypost::net {

namespace detail {
template <class T>
Task<void> fulfil(Task<T> task, std::promise<T> promise) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(task);
    promise.set_value();
  } else {
    T value = co_await std::move(task);
    promise.set_value(std::move(value));
  }
}
}  // namespace detail

template <class T>
T sync_wait(IoThread& thread, Task<T> task) {
  WAYPOST_ASSERT(!thread.on_this_thread());
  std::promise<T> promise;
  std::future<T> answer = promise.get_future();
  auto group = std::make_unique<TaskGroup>(thread);
  TaskGroup& running = *group;
  thread.post([&running, work = detail::fulfil<T>(std::move(task), std::move(promise))]() mutable {
    running.spawn(std::move(work));
  });
  answer.wait();
  std::promise<void> cleaned;
  thread.post([&] {
    group.reset();
    cleaned.set_value();
  });
  cleaned.get_future().wait();
  return answer.get();
}

}  // namespace waypost::net
