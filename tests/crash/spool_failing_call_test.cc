// The n-th call to the disk fails, for every n: with EIO, with ENOSPC, once or for good. The engine must keep running,
// answer everybody, keep what it accepted, and bring back nothing that it refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "spool_ledger.h"

namespace waypost::spool::crash {
namespace {

Result<> commit(SegmentSpool& spool, QueueId id, std::size_t size) {
  std::promise<Result<>> answer;
  auto future = answer.get_future();
  auto incoming = spool.begin(id);
  incoming->commit(envelope_of(id), std::make_shared<const std::string>(body_of(id, size)),
                   [&](Result<> result) { answer.set_value(std::move(result)); });
  return future.get();
}

// A run that meets all kinds of calls. False: the spool did not even open.
bool run(FaultFileSystem& files, Expectation& expected) {
  NullLog log;
  auto spool = open_spool(kDirectory, crash_settings(), files, Log(log, "postfix/qmgr", 1));
  if (!spool || !(*spool)->scan([](StoredMessage) {})) return false;
  for (std::uint64_t i = 1; i <= 45; ++i) {
    const QueueId id(0, i);
    const std::size_t size = i % 9 == 0 ? 30'000 : 100 + i * 90;
    expected.messages[id].size = size;
    const auto result = commit(**spool, id, size);
    auto& message = expected.messages[id];
    message.accepted = result.has_value();
    message.refused = !message.accepted;
    if (!result) {
      EXPECT_TRUE(result.error().code == Errc::io || result.error().code == Errc::no_space) << result.error().text;
      continue;
    }
    if (i % 4 != 0) {
      message.removal_asked = true;
      (*spool)->remove(id);
    } else {
      message.states.insert(3);
      mail::Progress progress;
      progress.attempts = 3;
      (*spool)->record(id, progress);
    }
  }
  (void)(*spool)->flush();
  (*spool)->stop();
  return true;
}

std::uint64_t calls_of_a_run() {
  FaultFileSystem files;
  Expectation expected;
  EXPECT_TRUE(run(files, expected));
  return files.calls();
}

void every_call(Errc code, std::uint64_t times) {
  const std::uint64_t calls = calls_of_a_run();
  for (std::uint64_t n = 1; n <= calls; n += std::max<std::size_t>(1, thinning())) {
    FaultFileSystem files;
    Expectation expected;
    files.fail_call(n, code, {}, times);
    const bool ran = run(files, expected);
    files.clear_failures();
    if (!ran) continue;
    std::mt19937_64 random(n);
    for (const Loss loss : {Loss::all, Loss::nothing}) {
      const auto left = files.after_power_cut(loss, random);
      const bool could_record_aborts = times < 3;
      const auto complaints = check(*left, expected, could_record_aborts);
      EXPECT_TRUE(complaints.empty()) << "call " << n << " of " << calls << ", loss " << static_cast<int>(loss) << ": "
                                      << complaints.front();
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(SpoolFailingCall, EioOnce) { every_call(Errc::io, 1); }
TEST(SpoolFailingCall, EioTwice) { every_call(Errc::io, 2); }
TEST(SpoolFailingCall, EioForAWhile) { every_call(Errc::io, 40); }
TEST(SpoolFailingCall, NoSpaceOnce) { every_call(Errc::no_space, 1); }
TEST(SpoolFailingCall, NoSpaceForAWhile) { every_call(Errc::no_space, 40); }

}  // namespace
}  // namespace waypost::spool::crash
