// Completion<T>: an io thread's coroutine waits for a value that another thread makes.
//
//   Completion<Result<QueueId>> done(thread);
//   writer.submit(std::move(batch), done.resolver());
//   const auto id = co_await done.wait();
//
// The resolver is called once, from any thread; it posts to the io thread, which must outlive it. A resolver that is
// dropped without a call leaves its waiter waiting: whoever takes one answers, also when it stops. A waiter that is
// destroyed meanwhile is simply not resumed, and the value is dropped.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "net/io_thread.h"
#include "net/task.h"

namespace waypost::net {

template <class T>
class Completion {
  struct Shared {
    explicit Shared(IoThread& owner) : thread(owner) {}
    IoThread& thread;
    std::optional<T> value;  // io thread only, as is the waiter
    std::coroutine_handle<> waiter;
  };

  struct Awaiter {
    Shared& shared;
    bool suspended = false;
    explicit Awaiter(Shared& state) : shared(state) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      if (suspended) shared.waiter = nullptr;
    }
    bool await_ready() const { return shared.value.has_value(); }
    void await_suspend(std::coroutine_handle<> caller) {
      suspended = true;
      shared.waiter = caller;
    }
    T await_resume() {
      suspended = false;
      return std::move(*shared.value);
    }
  };

 public:
  class Resolver {
   public:
    explicit Resolver(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
    void operator()(T value) {
      WAYPOST_ASSERT(shared_);
      IoThread& thread = shared_->thread;
      thread.post([shared = std::move(shared_), made = std::move(value)]() mutable {
        shared->value.emplace(std::move(made));
        if (const auto waiter = std::exchange(shared->waiter, nullptr)) waiter.resume();
      });
    }

   private:
    std::shared_ptr<Shared> shared_;
  };

  explicit Completion(IoThread& thread) : shared_(std::make_shared<Shared>(thread)) {}

  // Once. It may outlive the Completion.
  Resolver resolver() {
    WAYPOST_ASSERT(!resolver_taken_);
    resolver_taken_ = true;
    return Resolver(shared_);
  }

  // Once, on the io thread.
  Task<T> wait() { return wait_for(shared_); }

 private:
  static Task<T> wait_for(std::shared_ptr<Shared> shared) {
    T value = co_await Awaiter(*shared);
    co_return value;
  }

  std::shared_ptr<Shared> shared_;
  bool resolver_taken_ = false;
};

}  // namespace waypost::net
