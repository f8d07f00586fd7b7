// Reloading under load: readers never see half of a table.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tables/file_table.h"
#include "tables/registry.h"
#include "tables/temporary_files.h"

namespace waypost::tables {
namespace {

constexpr int kRows = 200, kRounds = 30, kReaders = 3;

std::string table_of(int round) {
  std::string text;
  for (int row = 0; row < kRows; ++row) text += "key" + std::to_string(row) + " " + std::to_string(round) + "\n";
  return text;
}

// A clock that many threads may ask while one moves it.
class SharedClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime{std::chrono::seconds{1'700'000'000}}; }
  MonoTime mono() const override { return MonoTime{std::chrono::seconds{seconds_.load()}}; }
  void tick() { ++seconds_; }

 private:
  std::atomic<std::int64_t> seconds_{1000};
};

// Each reader reads all rows; values may only grow from the first row to the last, since the table behind changes in
// whole steps.
TEST(Reload, ReadersSeeWholeTables) {
  const TemporaryFiles files;
  NullLog sink;
  SharedClock clock;
  TableRegistry registry(Log(sink, "test", 1), clock);
  const auto path = files.write("t", table_of(0));
  const auto table = registry.open("texthash:" + path);
  std::atomic<bool> stop = false;
  std::atomic<int> failures = 0;
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&] {
      while (!stop) {
        int before = 0;
        for (int row = 0; row < kRows; ++row) {
          const Lookup found = table->find("key" + std::to_string(row));
          const int now = found && *found ? std::stoi(**found) : -1;
          if (now < before) ++failures;
          before = now;
        }
      }
    });
  }
  for (int round = 1; round <= kRounds; ++round) {
    files.write("t", table_of(round));
    clock.tick();
    (void)table->find("key0");
  }
  stop = true;
  readers.clear();
  EXPECT_EQ(failures, 0);
  clock.tick();
  EXPECT_EQ(*table->find("key0"), std::to_string(kRounds));
}

TEST(Reload, LargeTablesAreReadAside) {
  const TemporaryFiles files;
  NullLog sink;
  SharedClock clock;
  TableRegistry registry(Log(sink, "test", 1), clock);
  const std::string filler = "filler " + std::string(FollowedFiles::kMaxInlineBytes, 'x') + "\n";
  const auto path = files.write("t", "key old\n" + filler);
  const auto table = registry.open("texthash:" + path);
  EXPECT_EQ(*table->find("key"), "old");
  files.write("t", "key new\n" + filler);
  std::string value;
  for (int tries = 0; tries < 1000 && value != "new"; ++tries) {
    clock.tick();
    value = **table->find("key");
    EXPECT_TRUE(value == "old" || value == "new");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(value, "new");
}

}  // namespace
}  // namespace waypost::tables
