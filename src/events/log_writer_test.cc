#include "events/log_writer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.h"

namespace waypost::events {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLossMark = "warning: ";

std::uint64_t reported_lost(std::string_view text) {
  std::uint64_t sum = 0;
  for (auto at = text.find(kLossMark); at != std::string_view::npos; at = text.find(kLossMark, at + 1)) {
    const std::string_view number = text.substr(at + kLossMark.size());
    if (number.find(" log lines dropped\n") == std::string_view::npos) break;
    sum += parse_number(number.substr(0, number.find(' '))).value_or(0);
  }
  return sum;
}

std::uint64_t occurrences(std::string_view text, std::string_view part) {
  std::uint64_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class LogWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC0", 1);
    tzset();
    std::string pattern = (fs::temp_directory_path() / "waypost-log-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  LogWriter::Options to_file(const char* name = "mail.log") {
    return {.target = LogWriter::Target::file, .path = folder_ / name, .host = "relay", .clock = &clock_};
  }
  std::string content(const char* name = "mail.log") const {
    std::ifstream in(folder_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  ManualClock clock_{WallTime{std::chrono::seconds{1795452485}}};
  fs::path folder_;
};

TEST_F(LogWriterTest, WritesLinesAsSyslogdDoes) {
  auto writer = LogWriter::open(to_file());
  ASSERT_TRUE(writer);
  (*writer)->write(LogLevel::info, "postfix/qmgr", 42, "B23C5606: removed");
  clock_.advance(std::chrono::hours{24 * 8});
  (*writer)->write(LogLevel::warning, "postfix/smtpd", 7, "odd\nthing \xc3\xa4");
  EXPECT_TRUE((*writer)->flush());
  EXPECT_EQ(content(),
            "Nov 23 16:48:05 relay postfix/qmgr[42]: B23C5606: removed\n"
            "Dec  1 16:48:05 relay postfix/smtpd[7]: warning: odd?thing ??\n");
}

TEST_F(LogWriterTest, FlushesWhenItGoes) {
  {
    auto writer = LogWriter::open(to_file());
    ASSERT_TRUE(writer);
    (*writer)->write(LogLevel::info, "t", 1, "last words");
  }
  EXPECT_NE(content().find("last words"), std::string::npos);
}

TEST_F(LogWriterTest, GoesOnInANewFileAfterRotation) {
  auto writer = LogWriter::open(to_file());
  ASSERT_TRUE(writer);
  (*writer)->write(LogLevel::info, "t", 1, "before");
  ASSERT_TRUE((*writer)->flush());
  fs::rename(folder_ / "mail.log", folder_ / "mail.log.1");
  (*writer)->reopen();
  (*writer)->write(LogLevel::info, "t", 1, "after");
  ASSERT_TRUE((*writer)->flush());
  EXPECT_NE(content("mail.log.1").find("before"), std::string::npos);
  EXPECT_NE(content().find("after"), std::string::npos);
  EXPECT_EQ(content().find("before"), std::string::npos);
}

TEST_F(LogWriterTest, SaysWhyAFileCannotBeOpened) {
  auto options = to_file();
  options.path = folder_ / "missing" / "mail.log";
  const auto writer = LogWriter::open(options);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, Errc::io);
  EXPECT_NE(writer.error().text.find("No such file"), std::string::npos);
}

TEST_F(LogWriterTest, CutsEndlessLines) {
  auto writer = LogWriter::open(to_file());
  ASSERT_TRUE(writer);
  (*writer)->write(LogLevel::info, "t", 1, std::string(kMaxLogLine, 'x'));
  (*writer)->write(LogLevel::info, "t", 1, std::string(kMaxLogLine + 1, 'x'));
  ASSERT_TRUE((*writer)->flush());
  const std::string text = content();
  const std::size_t half = text.find('\n') + 1;
  EXPECT_EQ(text.substr(0, half), text.substr(half));
}

TEST_F(LogWriterTest, DropsAndCountsRatherThanBlocks) {
  const std::string fifo = folder_ / "slow";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  auto options = to_file("slow");
  options.buffer_limit = 200'000;
  auto writer = LogWriter::open(options);
  ASSERT_TRUE(writer);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20'000; ++i) (*writer)->write(LogLevel::info, "t", 1, std::string(80, 'x'));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{5});
  const std::uint64_t dropped = (*writer)->dropped();
  EXPECT_GT(dropped, 10'000U);
  // The disk recovers: all that was kept arrives, and the number of the lost (perhaps in several reports).
  std::string text;
  std::array<char, 65536> buffer{};
  for (int i = 0; i < 5'000 && reported_lost(text) < dropped; ++i) {
    const ssize_t n = ::read(reader, buffer.data(), buffer.size());
    if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
    if (n <= 0) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  EXPECT_EQ(reported_lost(text), dropped);
  EXPECT_EQ(occurrences(text, "]: xxxx"), 20'000 - dropped);
  writer->reset();
  ::close(reader);
}

TEST(Facility, HasANumber) {
  EXPECT_EQ(parse_facility("mail"), 2);
  EXPECT_EQ(parse_facility("LOCAL7"), 23);
  EXPECT_FALSE(parse_facility("post"));
  EXPECT_FALSE(parse_facility(""));
}

TEST_F(LogWriterTest, SpeaksToSyslog) {
  const std::string path = folder_ / "devlog";
  const int server = socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(bind(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  auto writer = LogWriter::open(
      {.target = LogWriter::Target::syslog, .path = path, .facility = 16, .host = "relay", .clock = &clock_});
  ASSERT_TRUE(writer);
  (*writer)->write(LogLevel::info, "postfix/smtp", 9, "one");
  (*writer)->write(LogLevel::fatal, "postfix/smtp", 9, "two");
  ASSERT_TRUE((*writer)->flush());
  std::array<char, 512> buffer{};
  ssize_t n = recv(server, buffer.data(), buffer.size(), 0);
  EXPECT_EQ(std::string_view(buffer.data(), static_cast<std::size_t>(n)), "<134>Nov 23 16:48:05 postfix/smtp[9]: one");
  n = recv(server, buffer.data(), buffer.size(), 0);
  EXPECT_EQ(std::string_view(buffer.data(), static_cast<std::size_t>(n)),
            "<130>Nov 23 16:48:05 postfix/smtp[9]: fatal: two");
  ::close(server);
}

TEST_F(LogWriterTest, CountsWhatSyslogDidNotTake) {
  auto writer = LogWriter::open(
      {.target = LogWriter::Target::syslog, .path = folder_ / "nobody", .host = "relay", .clock = &clock_});
  ASSERT_TRUE(writer);
  (*writer)->write(LogLevel::info, "t", 1, "lost");
  ASSERT_TRUE((*writer)->flush());
  EXPECT_EQ((*writer)->dropped(), 1U);
}

TEST_F(LogWriterTest, ManyThreadsWriteWholeLines) {
  auto writer = LogWriter::open(to_file());
  ASSERT_TRUE(writer);
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1'000; ++i) (*writer)->write(LogLevel::info, "t", t, std::string(t * 10 + 1, 'x'));
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE((*writer)->flush());
  const std::string text = content();
  EXPECT_EQ(std::ranges::count(text, '\n'), 4'000);
  EXPECT_EQ(text.size(), 1'000 * (4 * std::string_view("Nov 23 16:48:05 relay t[0]: \n").size() + 1 + 11 + 21 + 31));
}

}  // namespace
}  // namespace waypost::events
