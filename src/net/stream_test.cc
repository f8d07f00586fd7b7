#include "net/stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstring>
#include <string>

#include "net/sync_wait.h"

namespace waypost::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonoTime in(milliseconds time) { return std::chrono::steady_clock::now() + time; }
milliseconds since(MonoTime start) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
}

class StreamTest : public testing::Test {
 protected:
  StreamTest() {
    auto pair = make_pair(thread_, thread_);
    EXPECT_TRUE(pair);
    near_ = std::move(pair->first);
    far_ = std::move(pair->second);
    thread_.start();
  }
  ~StreamTest() override { thread_.stop(); }

  template <class T>
  T run(Task<T> task) {
    return sync_wait(thread_, std::move(task));
  }

  IoThread thread_{0};
  Stream near_;
  Stream far_;
};

Task<Result<std::string>> read_once(Stream& stream, MonoTime deadline) {
  std::array<char, 1024> buffer;
  const auto got = co_await stream.read_some(buffer, deadline);
  if (!got) co_return std::unexpected(got.error());
  co_return std::string(buffer.data(), *got);
}

Task<Result<>> write(Stream& stream, std::string bytes, MonoTime deadline) {
  const auto written = co_await stream.write_all(bytes, deadline);
  co_return written;
}

Task<Result<>> write_pieces(Stream& stream, std::vector<std::string> owned, MonoTime deadline) {
  const std::vector<std::string_view> pieces(owned.begin(), owned.end());
  const auto written = co_await stream.write_all(pieces, deadline);
  co_return written;
}

Task<Result<>> wait_readable(Stream& stream, MonoTime deadline) {
  const auto readable = co_await stream.wait_readable(deadline);
  co_return readable;
}

Task<Result<std::size_t>> read_bytes(Stream& stream, std::size_t limit, MonoTime deadline) {
  std::size_t total = 0;
  while (total < limit) {
    const auto got = co_await stream.read_some(stream.thread().scratch(), deadline);
    if (!got) co_return std::unexpected(got.error());
    total += *got;
  }
  co_return total;
}

Task<void> cancel_later(Stream& stream, MonoTime when) {
  co_await sleep_until(stream.thread(), when);
  stream.cancel();
}

Task<void> close_now(Stream& stream) { co_await stream.close_gracefully(MonoTime::max()); }

TEST_F(StreamTest, ReadsWhatTheOtherEndWrote) {
  ASSERT_TRUE(run(write(near_, "EHLO there\r\n", in(seconds{1}))));
  EXPECT_EQ(run(read_once(far_, in(seconds{1}))), "EHLO there\r\n");
}

TEST_F(StreamTest, WritesPiecesInOrderAndSkipsEmptyOnes) {
  ASSERT_TRUE(run(write_pieces(near_, {"", "250-a\r\n", "", "", "250 b\r\n", ""}, in(seconds{1}))));
  EXPECT_EQ(run(read_once(far_, in(seconds{1}))), "250-a\r\n250 b\r\n");
}

TEST_F(StreamTest, WritesMorePiecesThanOneSystemCallTakes) {
  std::vector<std::string> pieces;
  for (int i = 0; i < 300; ++i) pieces.push_back(std::to_string(i % 10));
  ASSERT_TRUE(run(write_pieces(near_, pieces, in(seconds{1}))));
  const auto got = run(read_once(far_, in(seconds{1})));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->size(), 300U);
  EXPECT_EQ(got->substr(0, 12), "012345678901");
}

TEST_F(StreamTest, AReadWaitsForTheWriter) {
  std::promise<Result<std::string>> answer;
  std::thread reader([&] { answer.set_value(run(read_once(far_, in(seconds{5})))); });
  std::this_thread::sleep_for(milliseconds{20});
  ASSERT_TRUE(run(write(near_, "late", in(seconds{1}))));
  reader.join();
  EXPECT_EQ(answer.get_future().get(), "late");
}

TEST_F(StreamTest, AReadEndsAtItsDeadlineAndLeavesTheStreamWhole) {
  const MonoTime start = std::chrono::steady_clock::now();
  const auto got = run(read_once(far_, start + milliseconds{50}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
  EXPECT_GE(since(start), milliseconds{50});
  EXPECT_LT(since(start), milliseconds{500});
  ASSERT_TRUE(run(write(far_, "goodbye", in(seconds{1}))));
  EXPECT_EQ(run(read_once(near_, in(seconds{1}))), "goodbye");
}

TEST_F(StreamTest, AWaitThatMissesItsDeadlineLeavesTheStreamWhole) {
  const auto waited = run(wait_readable(far_, in(milliseconds{50})));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Errc::timeout);
  ASSERT_TRUE(run(write(far_, "goodbye", in(seconds{1}))));
  EXPECT_EQ(run(read_once(near_, in(seconds{1}))), "goodbye");
  ASSERT_TRUE(run(write(near_, "x", in(seconds{1}))));
  EXPECT_EQ(run(read_once(far_, in(seconds{1}))), "x");
}

TEST_F(StreamTest, AnEarlierDeadlineAfterALaterOneIsKept) {
  ASSERT_TRUE(run(write(near_, "a", in(seconds{1}))));
  EXPECT_EQ(run(read_once(far_, in(seconds{300}))), "a");
  std::thread writer([&] {
    std::this_thread::sleep_for(milliseconds{20});
    EXPECT_TRUE(run(write(near_, "b", in(seconds{1}))));
  });
  EXPECT_EQ(run(read_once(far_, in(seconds{300}))), "b");
  writer.join();
  const MonoTime start = std::chrono::steady_clock::now();
  EXPECT_FALSE(run(read_once(far_, start + milliseconds{30})));
  EXPECT_LT(since(start), milliseconds{500});
}

TEST_F(StreamTest, EndOfFileIsClosedAndHalfAConnectionCanStillBeWritten) {
  ASSERT_TRUE(run(write(near_, "QUIT\r\n", in(seconds{1}))));
  ASSERT_EQ(shutdown(near_.fd(), SHUT_WR), 0);
  EXPECT_EQ(run(read_once(far_, in(seconds{1}))), "QUIT\r\n");
  const auto end = run(read_once(far_, in(seconds{1})));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::closed);
  EXPECT_EQ(end.error().text, "end of file");
  ASSERT_TRUE(run(write(far_, "221 Bye\r\n", in(seconds{1}))));
  EXPECT_EQ(run(read_once(near_, in(seconds{1}))), "221 Bye\r\n");
}

TEST_F(StreamTest, WritingToAClosedPeerIsAnErrorAndNoSignal) {
  run(close_now(far_));
  const auto written = run(write(near_, "x", in(seconds{1})));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::closed);
}

TEST_F(StreamTest, CancelEndsAPendingOperation) {
  std::promise<Result<std::string>> answer;
  std::thread reader([&] { answer.set_value(run(read_once(far_, in(seconds{30})))); });
  run(cancel_later(far_, in(milliseconds{30})));
  reader.join();
  const auto got = answer.get_future().get();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::closed);
}

Task<void> close_later(Stream& stream, MonoTime when) {
  co_await sleep_until(stream.thread(), when);
  stream.close();
}

TEST_F(StreamTest, CloseEndsAPendingOperation) {
  std::promise<Result<std::string>> answer;
  std::thread reader([&] { answer.set_value(run(read_once(far_, in(seconds{30})))); });
  run(close_later(far_, in(milliseconds{30})));
  reader.join();
  const auto got = answer.get_future().get();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::closed);
  EXPECT_FALSE(far_.is_open());
}

TEST_F(StreamTest, ABigWriteWaitsForASlowReader) {
  constexpr std::size_t kBytes = 8 << 20;
  std::promise<Result<>> written;
  std::thread writer([&] { written.set_value(run(write(near_, std::string(kBytes, 'x'), in(seconds{30})))); });
  std::this_thread::sleep_for(milliseconds{20});
  EXPECT_EQ(run(read_bytes(far_, kBytes, in(seconds{30}))), kBytes);
  writer.join();
  EXPECT_TRUE(written.get_future().get());
}

TEST_F(StreamTest, AWriteToAReaderThatNeverReadsTimesOut) {
  const auto written = run(write(near_, std::string(8 << 20, 'x'), in(milliseconds{50})));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::timeout);
}

TEST_F(StreamTest, WaitReadableTellsOfDataAndOfTheEndWithoutTakingAnything) {
  ASSERT_TRUE(run(write(near_, "abc", in(seconds{1}))));
  ASSERT_TRUE(run(wait_readable(far_, in(seconds{1}))));
  EXPECT_EQ(run(read_once(far_, in(seconds{1}))), "abc");
  run(close_now(near_));
  ASSERT_TRUE(run(wait_readable(far_, in(seconds{1}))));
  EXPECT_FALSE(run(read_once(far_, in(seconds{1}))));
}

TEST_F(StreamTest, OperationsOnAClosedStreamSayClosed) {
  Stream none;
  const auto got = run(read_once(none, MonoTime::max()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::closed);
  EXPECT_EQ(none.fd(), -1);
  EXPECT_FALSE(none.is_open());
}

// A peer that always has data ready neither starves its neighbours nor outlives its deadline.
TEST_F(StreamTest, AnAlwaysReadyPeerYieldsToTheOthersAndKeepsItsDeadline) {
  std::promise<Result<>> flood;
  std::promise<Result<std::size_t>> sink;
  const MonoTime deadline = in(milliseconds{300});
  std::thread writer([&] { flood.set_value(run(write(near_, std::string(64 << 20, 'x'), in(seconds{60})))); });
  std::thread reader([&] { sink.set_value(run(read_bytes(far_, std::size_t{1} << 40, deadline))); });
  const MonoTime start = std::chrono::steady_clock::now();
  EXPECT_TRUE(run(sleep_until(thread_, in(milliseconds{20}))));
  EXPECT_LT(since(start), milliseconds{250});
  const auto got = sink.get_future().get();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
  reader.join();
  run(close_now(far_));
  writer.join();
}

}  // namespace
}  // namespace waypost::net
