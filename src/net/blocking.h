// BlockingPool: runs what can only block (name service calls, file reads) away from the io threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/result.h"
#include "net/completion.h"
#include "net/io_thread.h"
#include "net/task.h"

namespace waypost::net {

namespace detail {
template <class T>
struct BlockingResult {
  using Type = Result<T>;
};
template <class T>
struct BlockingResult<Result<T>> {
  using Type = Result<T>;
};
}  // namespace detail

class BlockingPool {
 public:
  // At most `threads` threads, started when first needed; at most `queue_limit` jobs wait for one.
  BlockingPool(std::size_t threads, std::size_t queue_limit);
  ~BlockingPool();  // stops
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Finishes the running jobs and joins. Jobs still waiting answer Errc::closed, later ones Errc::unavailable. From one
  // thread, which is none of the pool's.
  void stop();

  // From a coroutine of an io thread: runs `work` elsewhere, resumes here with what it returned (its Result, when it
  // returns one). `work` must own what it uses, may not throw, and has no deadline: bound it by itself.
  // Errc::unavailable when the queue is full or no thread can be had, Errc::closed when the pool stops.
  template <class F>
  auto run(F work) -> Task<typename detail::BlockingResult<std::invoke_result_t<F&>>::Type> {
    IoThread* const thread = IoThread::current();
    WAYPOST_ASSERT(thread != nullptr);
    return run_on(*thread, std::move(work));
  }

 private:
  // Called exactly once: with true to run, with false when the pool stops.
  using Job = std::move_only_function<void(bool)>;

  template <class F>
  auto run_on(IoThread& thread, F work) -> Task<typename detail::BlockingResult<std::invoke_result_t<F&>>::Type> {
    using Answer = typename detail::BlockingResult<std::invoke_result_t<F&>>::Type;
    Completion<Answer> done(thread);
    const bool accepted = submit([work = std::move(work), resolve = done.resolver()](bool go) mutable {
      if (!go) return resolve(fail(Errc::closed, "the worker pool was stopped"));
      if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
        work();
        resolve(Answer());
      } else {
        resolve(Answer(work()));
      }
    });
    if (!accepted) co_return fail(Errc::unavailable, "too many blocking calls are waiting");
    Answer answer = co_await done.wait();
    co_return answer;
  }

  bool submit(Job job);
  bool start_thread();
  void serve();

  const std::size_t thread_limit_;
  const std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;  // threads that wait for a job, or have been started for one
  bool stopping_ = false;
};

}  // namespace waypost::net
