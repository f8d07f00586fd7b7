#include "intake/drop_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace waypost::intake {
namespace {

Drop sample() {
  Drop drop;
  drop.sender = "app@example.com";
  drop.recipients = {"a@example.net", "b@example.net"};
  drop.full_name = "Some App";
  drop.notify = mail::Notify::kNever;
  drop.content = "Subject: x\n\nline: not a field\n";
  return drop;
}

TEST(DropFile, RoundTripsEveryField) {
  const auto parsed = parse_drop(encode_drop(sample()).value());
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(parsed->sender, "app@example.com");
  EXPECT_EQ(parsed->recipients, (std::vector<std::string>{"a@example.net", "b@example.net"}));
  EXPECT_EQ(parsed->full_name, "Some App");
  EXPECT_EQ(parsed->notify, mail::Notify::kNever);
  EXPECT_EQ(parsed->content, sample().content);
}

TEST(DropFile, RefusesALineBreakInAnAddress) {
  auto drop = sample();
  drop.recipients.push_back("x@example.com\nrecipient: evil@example.org");
  EXPECT_FALSE(encode_drop(drop));
}

TEST(DropFile, RefusesWhatIsNotADrop) {
  for (const char* bad : {"", "waypost-drop 2\n\n", "waypost-drop 1\n", "waypost-drop 1\nsender",
                          "waypost-drop 1\nuid: 0\n\n", "waypost-drop 1\nnotify: 16\n\n"}) {
    EXPECT_FALSE(parse_drop(bad)) << bad;
  }
}

TEST(DropFile, LimitsTheNumberOfRecipients) {
  std::string text = "waypost-drop 1\nsender: a@b\n";
  for (std::size_t i = 0; i < kMaxDropRecipients; ++i) text += "recipient: r@example.com\n";
  EXPECT_TRUE(parse_drop(text + "\n"));
  EXPECT_FALSE(parse_drop(text + "recipient: r@example.com\n\n"));
}

TEST(DropFile, AppearsWholeInTheFolder) {
  char folder[] = "/tmp/waypost-drop-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  ASSERT_TRUE(write_drop(folder, sample()));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++files;
    EXPECT_NE(entry.path().filename().string()[0], '.');
    std::ifstream in(entry.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_TRUE(parse_drop(text));
  }
  EXPECT_EQ(files, 1);
  std::filesystem::remove_all(folder);
}

TEST(DropFile, OnBehalfOfSomebodyItLooksAsIfHeHadWrittenIt) {
  char folder[] = "/tmp/waypost-drop-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const DropOrigin origin{"chosen", ::geteuid(), WallTime{std::chrono::microseconds(1'700'000'000'000'123)}};
  ASSERT_TRUE(write_drop(folder, sample(), origin));
  auto second = sample();
  second.content = "replaced\n";
  ASSERT_TRUE(write_drop(folder, second, origin));
  const auto path = std::string(folder) + "/chosen";
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, ::geteuid());
  EXPECT_EQ(status.st_mtim.tv_sec, 1'700'000'000);
  EXPECT_EQ(status.st_mtim.tv_nsec, 123'000);
  std::ifstream in(path);
  EXPECT_EQ(parse_drop(std::string{std::istreambuf_iterator<char>(in), {}})->content, "replaced\n");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace waypost::intake
