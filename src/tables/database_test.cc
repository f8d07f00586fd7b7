// Database files of our own writing, whole and damaged: cdb and lmdb. Those of Berkeley DB are in db_test.cc.
#include "tables/database.h"

#include <gmock/gmock.h>

#include <map>

#include "tables/database_rows.h"
#include "tables/registry.h"
#include "tables/temporary_files.h"

namespace waypost::tables {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::string_literals;

using Records = std::map<std::string, std::string>;

class DatabaseTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    database_ = find_database(GetParam());
    if (database_ == nullptr) GTEST_SKIP() << "not built in";
  }
  std::string file() const { return files_.path("t" + std::string(database_->suffix)); }
  // A database of these records; its bytes.
  std::string write(const Records& records) const {
    ::unlink(file().c_str());
    DatabaseSize size{static_cast<std::uint32_t>(records.size()), 0};
    for (const auto& [key, value] : records) size.bytes += key.size() + value.size();
    auto writer = database_->create(file(), size);
    EXPECT_TRUE(writer) << writer.error().text;
    for (const auto& [key, value] : records) EXPECT_TRUE((*writer)->put(key, value));
    const auto finished = (*writer)->finish();
    EXPECT_TRUE(finished) << finished.error().text;
    writer->reset();
    return *read_whole_file(file());
  }
  Result<Records> read(std::string_view bytes) const {
    Records records;
    const auto done = database_->for_each_record(
        bytes, [&](std::string_view key, std::string_view value) { records.emplace(key, value); });
    if (!done) return std::unexpected(done.error());
    return records;
  }

  const Database* database_ = nullptr;
  TemporaryFiles files_;
};

TEST_P(DatabaseTest, ReadsWhatItWrote) {
  Records records;
  for (int i = 0; i < 20'000; ++i)
    records["key" + std::to_string(i)] = std::string(static_cast<std::size_t>(i % 97), 'v');
  const auto found = read(write(records));
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, records);
}

TEST_P(DatabaseTest, ReadsValuesLargerThanAPage) {
  Records records = {
      {"small", "x"}, {"large", std::string(300'000, 'v')}, {std::string(500, 'K'), std::string(5'000, 'V')}};
  for (int i = 0; i < 300; ++i)
    records["k" + std::to_string(i)] = std::string(2'000 + static_cast<std::size_t>(i), 'w');
  const auto found = read(write(records));
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, records);
}

TEST_P(DatabaseTest, ReadsAnEmptyDatabase) {
  const auto found = read(write({}));
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_TRUE(found->empty());
}

TEST_P(DatabaseTest, AKeyKeepsItsFirstValue) {
  auto writer = database_->create(file(), {2, 4});
  ASSERT_TRUE(writer);
  EXPECT_TRUE((*writer)->put("a", "1"));
  EXPECT_TRUE((*writer)->put("a", "2"));
  EXPECT_TRUE((*writer)->finish());
  EXPECT_EQ(*read(*read_whole_file(file())), (Records{{"a", "1"}}));
}

TEST_P(DatabaseTest, RefusesOtherFiles) {
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read("no database"));
  EXPECT_FALSE(read(std::string(10'000, 'x')));
}

TEST_P(DatabaseTest, RefusesATruncatedFile) {
  Records records;
  for (int i = 0; i < 2'000; ++i) records["key" + std::to_string(i)] = "value";
  const std::string bytes = write(records);
  for (std::size_t size = 0; size < bytes.size(); size += 1024) {
    const auto found = read(std::string_view(bytes).substr(0, size));
    EXPECT_TRUE(!found || *found != records) << size;
  }
}

// Every byte of a small file, changed in several ways: any answer but a crash or a hang is right.
TEST_P(DatabaseTest, SurvivesDamageAtEachByte) {
  const std::string bytes = write({{"a", "b"}, {"long", std::string(9'000, 'x')}, {"c", "d"}});
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      if (const auto found = read(damaged)) EXPECT_LE(found->size(), bytes.size());
    }
  }
}

TEST_P(DatabaseTest, DoesNotWriteOverAFile) {
  write({});
  const auto writer = database_->create(file(), {});
  ASSERT_FALSE(writer);
  EXPECT_THAT(writer.error().text, HasSubstr("open database " + file() + ": File exists"));
}

TEST_P(DatabaseTest, TablesTakeKeysWithAndWithoutNul) {
  write({{"with\0"s, "one\0"s}, {"without", "two"}, {"both\0"s, "nul\0"s}, {"both", "bare"}});
  CapturingLog sink;
  const ManualClock clock;
  TableRegistry registry(Log(sink, "test", 1), clock);
  const auto table = registry.open(std::string(GetParam()) + ":" + files_.path("t"));
  EXPECT_EQ(*table->find("with"), "one");
  EXPECT_EQ(*table->find("WITHOUT"), "two");
  EXPECT_EQ(*table->find("both"), "nul");
  EXPECT_EQ(*table->find("none"), std::nullopt);
  EXPECT_THAT(sink.lines(), IsEmpty());
  const auto present = load_database_rows(*database_, files_.path("t"), NulBytes::present);
  EXPECT_EQ((*present)->get("without"), std::nullopt);
  EXPECT_EQ((*present)->get("with"), "one");
  const auto absent = load_database_rows(*database_, files_.path("t"), NulBytes::absent);
  EXPECT_EQ((*absent)->get("with"), std::nullopt);
  EXPECT_EQ((*absent)->get("both"), "bare");
}

TEST_P(DatabaseTest, TheNewerOfFileAndTextIsUsed) {
  CapturingLog sink;
  ManualClock clock;
  TableRegistry registry(Log(sink, "test", 1), clock);
  const auto path = files_.write("t", "key text\n", TemporaryFiles::kLongAgo);
  write({{"key", "built"}});
  TemporaryFiles::set_time(file(), TemporaryFiles::kLongAgo);
  const auto table = registry.open(std::string(GetParam()) + ":" + path);
  EXPECT_EQ(*table->find("key"), "built") << "of the same time";
  files_.write("t", "key newer\n", TemporaryFiles::kLongAgo + 10);
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(*table->find("key"), "newer");
}

INSTANTIATE_TEST_SUITE_P(Types, DatabaseTest, ::testing::Values("cdb", "lmdb"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Databases, AreKnownByTheirTypes) {
  EXPECT_EQ(find_database("hash")->suffix, ".db");
  EXPECT_EQ(find_database("cdb")->suffix, ".cdb");
  EXPECT_EQ(find_database("texthash"), nullptr);
}

}  // namespace
}  // namespace waypost::tables
