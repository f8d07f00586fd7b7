// Runs a task that never waits (its tables answer from memory) to its end on the calling thread: for commands, checks
// at start and tests, which have no io thread. A task that does wait is a bug of the caller.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "net/task.h"

namespace waypost::tables {
namespace detail {

struct Runner {
  struct promise_type {
    Runner get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

template <class T>
Runner run_into(net::Task<T> task, std::optional<T>& result) {
  T value = co_await std::move(task);
  result.emplace(std::move(value));
}

}  // namespace detail

template <class T>
T run_immediate(net::Task<T> task) {
  std::optional<T> result;
  const detail::Runner runner = detail::run_into(std::move(task), result);
  WAYPOST_ASSERT(runner.handle.done());
  runner.handle.destroy();
  return std::move(*result);
}

}  // namespace waypost::tables
