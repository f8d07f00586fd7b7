#include "tables/file_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <chrono>
#include <future>

#include "base/descriptor.h"
#include "net/io_thread.h"
#include "tables/temporary_files.h"

namespace waypost::tables {
namespace {

using Clock = std::chrono::steady_clock;

TEST(ReadLockedFile, DoesNotWaitForTheLockOnAnIoThread) {
  const TemporaryFiles files;
  const auto path = files.write("t", "content");
  const Descriptor writer(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(writer.get(), LOCK_EX), 0);
  net::IoThreads threads(1);
  threads.start();
  std::promise<Result<std::string>> read;
  const auto begin = Clock::now();
  threads[0].post([&] { read.set_value(read_locked_file(path, FileLock::flock)); });
  const auto locked = read.get_future().get();
  const auto spent = Clock::now() - begin;
  threads.stop();
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().code, Errc::unavailable);
  EXPECT_LT(spent, kLockWait / 2);
}

TEST(ReadLockedFile, WaitsElsewhere) {
  const TemporaryFiles files;
  const auto path = files.write("t", "content");
  const Descriptor writer(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(writer.get(), LOCK_EX), 0);
  const auto begin = Clock::now();
  const auto locked = read_locked_file(path, FileLock::flock);
  EXPECT_GE(Clock::now() - begin, kLockWait / 2);
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().code, Errc::unavailable);
  ::flock(writer.get(), LOCK_UN);
  EXPECT_EQ(read_locked_file(path, FileLock::flock), "content");
}

}  // namespace
}  // namespace waypost::tables
