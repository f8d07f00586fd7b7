#include "net/io_thread.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <thread>

#include "net/blocking.h"
#include "net/completion.h"
#include "net/sleep.h"
#include "net/sync_wait.h"
#include "net/task_group.h"

namespace waypost::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonoTime in(milliseconds time) { return std::chrono::steady_clock::now() + time; }

TEST(IoThread, RunsPostsInOrderFromManyThreadsAndLosesNone) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  IoThread io(0);
  io.start();
  std::array<int, kThreads> last{};
  std::promise<void> all;
  int total = 0;
  std::vector<std::thread> posters;
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 1; i <= kPosts; ++i) {
        io.post([&, t, i] {
          EXPECT_EQ(std::exchange(last[static_cast<std::size_t>(t)], i), i - 1);
          EXPECT_TRUE(io.on_this_thread());
          if (++total == kThreads * kPosts) all.set_value();
        });
      }
    });
  }
  for (auto& poster : posters) poster.join();
  EXPECT_EQ(all.get_future().wait_for(seconds{20}), std::future_status::ready);
  io.stop();
}

TEST(IoThread, DropsWhatIsPostedAfterStopWithItself) {
  auto token = std::make_shared<int>(1);
  {
    IoThread io(0);
    io.start();
    io.stop();
    io.post([token] { FAIL(); });
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(IoThreads, NextGoesRoundAllThreads) {
  IoThreads threads(3);
  std::set<std::size_t> seen;
  for (int i = 0; i < 3; ++i) seen.insert(threads.next().index());
  EXPECT_EQ(seen.size(), 3U);
}

Task<bool> wait_for_wake(Sleeper& sleeper, MonoTime when) {
  const bool came = co_await sleeper.until(when);
  co_return came;
}

TEST(Sleep, IsNeverEarlyAndHardlyLate) {
  IoThread io(0);
  io.start();
  for (const int ms : {0, 1, 15, 60}) {
    const MonoTime when = in(milliseconds{ms});
    EXPECT_TRUE(sync_wait(io, sleep_until(io, when)));
    const MonoTime now = std::chrono::steady_clock::now();
    EXPECT_GE(now, when);
    EXPECT_LT(now - when, milliseconds{300});
  }
  io.stop();
}

TEST(Sleep, WakeEndsTheWaitAlsoBeforeItBegan) {
  IoThread io(0);
  io.start();
  Sleeper sleeper(io);
  std::thread waker([&] {
    std::this_thread::sleep_for(milliseconds{20});
    io.post([&] { sleeper.wake(); });
  });
  EXPECT_FALSE(sync_wait(io, wait_for_wake(sleeper, in(seconds{30}))));
  waker.join();
  io.post([&] { sleeper.wake(); });
  EXPECT_FALSE(sync_wait(io, wait_for_wake(sleeper, in(seconds{30}))));
  EXPECT_TRUE(sync_wait(io, wait_for_wake(sleeper, in(milliseconds{10}))));
  io.stop();
}

Task<void> count_down(IoThread& io, MonoTime when, int& left) {
  co_await sleep_until(io, when);
  --left;
}

Task<bool> run_group(IoThread& io, int& left, MonoTime deadline) {
  TaskGroup group(io);
  for (int i = 0; i < 10; ++i) group.spawn(count_down(io, in(milliseconds{10 * i}), left));
  const bool all = co_await group.drained(deadline);
  co_return all;
}

TEST(TaskGroup, DrainsWhenTheLastTaskEnded) {
  IoThread io(0);
  io.start();
  int left = 10;
  EXPECT_TRUE(sync_wait(io, run_group(io, left, MonoTime::max())));
  EXPECT_EQ(left, 0);
  io.stop();
}

TEST(TaskGroup, GivesUpAtTheDeadlineAndDestroysTheRest) {
  IoThread io(0);
  io.start();
  int left = 10;
  EXPECT_FALSE(sync_wait(io, run_group(io, left, in(milliseconds{35}))));
  EXPECT_GT(left, 0);
  io.stop();
}

Task<void> sleep_or_stop(TaskGroup& group, int& stopped) {
  Sleeper sleeper(group.thread());
  const StopHook hook(group, [&sleeper] { sleeper.wake(); });
  const bool came = co_await sleeper.until(MonoTime::max());
  if (!came) ++stopped;
}

Task<int> stop_group(IoThread& io) {
  TaskGroup group(io);
  int stopped = 0;
  for (int i = 0; i < 5; ++i) group.spawn(sleep_or_stop(group, stopped));
  group.request_stop();
  co_await group.drained();
  co_return stopped;
}

TEST(TaskGroup, StopHooksReachEveryTask) {
  IoThread io(0);
  io.start();
  EXPECT_EQ(sync_wait(io, stop_group(io)), 5);
  io.stop();
}

Task<std::string> await_completion(IoThread& io, std::thread& maker) {
  Completion<std::string> done(io);
  maker = std::thread([resolve = done.resolver()]() mutable { resolve("made elsewhere"); });
  std::string value = co_await done.wait();
  EXPECT_TRUE(io.on_this_thread());
  co_return value;
}

TEST(Completion, ResumesOnTheIoThreadWithTheValue) {
  IoThread io(0);
  io.start();
  std::thread maker;
  EXPECT_EQ(sync_wait(io, await_completion(io, maker)), "made elsewhere");
  maker.join();
  io.stop();
}

Task<void> wait_forever(IoThread& io, std::promise<Completion<int>::Resolver>& out) {
  Completion<int> done(io);
  out.set_value(done.resolver());
  co_await done.wait();
  ADD_FAILURE() << "resumed after its group was gone";
}

TEST(Completion, MayComeAfterItsWaiterIsGone) {
  IoThread io(0);
  io.start();
  std::promise<Completion<int>::Resolver> resolver;
  auto group = std::make_unique<TaskGroup>(io);
  io.post([&] { group->spawn(wait_forever(io, resolver)); });
  auto resolve = resolver.get_future().get();
  std::promise<void> gone;
  io.post([&] {
    group.reset();
    gone.set_value();
  });
  gone.get_future().wait();
  resolve(1);
  io.stop();
}

Task<Result<int>> run_blocking(BlockingPool& pool, int value) {
  const auto answer = co_await pool.run([value] { return value * 2; });
  co_return answer;
}

Task<Result<int>> run_failing(BlockingPool& pool) {
  const auto answer = co_await pool.run([]() -> Result<int> { return fail(Errc::not_found, "no such file"); });
  co_return answer;
}

Task<Result<>> run_until(BlockingPool& pool, std::shared_future<void> released) {
  const auto answer = co_await pool.run([released = std::move(released)] { released.wait(); });
  co_return answer;
}

Task<void> note(Task<Result<>> work, std::vector<Errc>& failures) {
  const auto done = co_await std::move(work);
  if (!done) failures.push_back(done.error().code);
}

Task<std::vector<Errc>> overload(IoThread& io, BlockingPool& pool, int jobs, std::promise<void>& release) {
  std::vector<Errc> failures;
  TaskGroup group(io);
  const std::shared_future<void> released = release.get_future().share();
  for (int i = 0; i < jobs; ++i) group.spawn(note(run_until(pool, released), failures));
  release.set_value();
  co_await group.drained();
  co_return failures;
}

TEST(BlockingPool, RunsWorkElsewhereAndPassesItsResultOn) {
  IoThread io(0);
  io.start();
  BlockingPool pool(2, 8);
  EXPECT_EQ(sync_wait(io, run_blocking(pool, 21)), 42);
  const auto failed = sync_wait(io, run_failing(pool));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::not_found);
  io.stop();
}

// No thread can be made: the stacks that are asked for fit nowhere.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    ::pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    ::pthread_getattr_default_np(&huge);
    ::pthread_attr_setstacksize(&huge, std::size_t{1} << 47);
    EXPECT_EQ(::pthread_setattr_default_np(&huge), 0);
    ::pthread_attr_destroy(&huge);
  }
  NoMoreThreads(const NoMoreThreads&) = delete;
  NoMoreThreads& operator=(const NoMoreThreads&) = delete;
  ~NoMoreThreads() {
    ::pthread_setattr_default_np(&before_);
    ::pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_;
};

TEST(BlockingPool, RefusesWorkWhileThereIsNoThread) {
  IoThread io(0);
  io.start();
  BlockingPool pool(2, 8);
  {
    const NoMoreThreads shortage;
    const auto refused = sync_wait(io, run_blocking(pool, 21));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unavailable);
  }
  EXPECT_EQ(sync_wait(io, run_blocking(pool, 21)), 42);
  {
    const NoMoreThreads shortage;
    EXPECT_EQ(sync_wait(io, run_blocking(pool, 1)), 2) << "the one that is there does it";
  }
  io.stop();
}

TEST(BlockingPool, TakesAsManyJobsAsThreadsAndQueueHoldAndRefusesOneMore) {
  IoThread io(0);
  io.start();
  std::promise<void> at_limit;
  std::promise<void> over_limit;
  BlockingPool first(2, 3);
  EXPECT_TRUE(sync_wait(io, overload(io, first, 5, at_limit)).empty());
  BlockingPool second(2, 3);  // the first one's threads may still be on their way back to the queue
  EXPECT_EQ(sync_wait(io, overload(io, second, 6, over_limit)), std::vector{Errc::unavailable});
  io.stop();
}

}  // namespace
}  // namespace waypost::net
