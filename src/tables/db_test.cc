// The reader of .db files against files that libdb made, whole and damaged.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "tables/database_rows.h"
#include "tables/db_reader.h"
#include "tables/db_writer.h"
#include "tables/file_io.h"
#include "tables/registry.h"
#include "tables/temporary_files.h"

namespace waypost::tables {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Records = std::map<std::string, std::string>;

class DbTest : public ::testing::TestWithParam<DbKind> {
 protected:
  // A database of these records; its bytes.
  std::string write(const std::string& name, const Records& records) const {
    const std::string path = files_.path(name);
    auto writer = DbWriter::create(path, GetParam(), static_cast<std::uint32_t>(records.size()));
    EXPECT_TRUE(writer) << writer.error().text;
    for (const auto& [key, value] : records) EXPECT_TRUE(writer->put(key, value));
    EXPECT_TRUE(writer->finish());
    return *read_whole_file(path);
  }
  static Result<Records> read(std::string_view bytes, DbKind kind) {
    Records records;
    const auto done = for_each_db_record(
        bytes, kind, [&](std::string_view key, std::string_view value) { records.emplace(key, value); });
    if (!done) return std::unexpected(done.error());
    return records;
  }
  TemporaryFiles files_;
};

TEST_P(DbTest, ReadsWhatLibdbWrote) {
  Records records;
  for (int i = 0; i < 20'000; ++i)
    records["key" + std::to_string(i)] = std::string(static_cast<std::size_t>(i % 97), 'v');
  const auto found = read(write("t.db", records), GetParam());
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, records);
}

TEST_P(DbTest, ReadsKeysAndValuesLargerThanAPage) {
  const Records records = {{"small", "x"},
                           {std::string(70'000, 'k'), "value"},
                           {"large", std::string(300'000, 'v')},
                           {std::string(5'000, 'K'), std::string(5'000, 'V')}};
  const auto found = read(write("t.db", records), GetParam());
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, records);
}

TEST_P(DbTest, ReadsAnEmptyDatabase) {
  const auto found = read(write("t.db", {}), GetParam());
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_TRUE(found->empty());
}

TEST_P(DbTest, RefusesTheOtherKind) {
  const auto other = GetParam() == DbKind::hash ? DbKind::btree : DbKind::hash;
  const auto found = read(write("t.db", {{"a", "b"}}), other);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::invalid);
}

TEST_P(DbTest, RefusesATruncatedFileAtEachPage) {
  Records records;
  for (int i = 0; i < 2'000; ++i) records["key" + std::to_string(i)] = "value";
  const std::string bytes = write("t.db", records);
  for (std::size_t size = 0; size < bytes.size(); size += 1024) {
    EXPECT_FALSE(read(std::string_view(bytes).substr(0, size), GetParam())) << size;
  }
}

// Every byte of a small file, changed in several ways: any answer but a crash or a hang is right.
TEST_P(DbTest, SurvivesDamageAtEachByte) {
  const std::string bytes = write("t.db", {{"a", "b"}, {"long", std::string(9'000, 'x')}, {"c", "d"}});
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      if (const auto found = read(damaged, GetParam())) EXPECT_LE(found->size(), bytes.size());
    }
  }
}

TEST_P(DbTest, TablesTakeKeysWithAndWithoutNul) {
  using namespace std::string_literals;
  write("t.db",
        {{"with\0"s, "one\0"s}, {"without", "two"}, {"both\0"s, "nul\0"s}, {"both", "bare"}, {"Upper\0"s, "x\0"s}});
  CapturingLog sink;
  const ManualClock clock;
  TableRegistry registry(Log(sink, "test", 1), clock);
  const auto table = registry.open(std::string(to_text(GetParam())) + ":" + files_.path("t"));
  EXPECT_EQ(*table->find("with"), "one");
  EXPECT_EQ(*table->find("WITHOUT"), "two");
  EXPECT_EQ(*table->find("both"), "nul");
  EXPECT_EQ(*table->find("Upper"), std::nullopt) << "lookups fold, the file was made without";
  EXPECT_EQ(*table->find("none"), std::nullopt);
  EXPECT_THAT(sink.lines(), ::testing::IsEmpty());
}

TEST_P(DbTest, TheNewerOfDbAndTextIsUsed) {
  using namespace std::string_literals;
  CapturingLog sink;
  ManualClock clock;
  TableRegistry registry(Log(sink, "test", 1), clock);
  const auto path = files_.write("t", "key text\n", TemporaryFiles::kLongAgo);
  write("t.db", {{"key\0"s, "db\0"s}});
  TemporaryFiles::set_time(path + ".db", TemporaryFiles::kLongAgo);
  const auto name = std::string(to_text(GetParam())) + ":" + path;
  const auto table = registry.open(name);
  EXPECT_EQ(*table->find("key"), "db") << "of the same time";
  files_.write("t", "key newer\n", TemporaryFiles::kLongAgo + 10);
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(*table->find("key"), "newer");
  EXPECT_THAT(sink.lines(), ::testing::ElementsAre(
                                "test: table " + name + ": " + path + ".db is older than " + path + ", using the text",
                                "test: " + name + " has changed -- read anew"));
  TemporaryFiles::set_time(path + ".db", TemporaryFiles::kLongAgo + 20);
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(*table->find("key"), "db");
}

TEST_P(DbTest, RawRowsKeepTheirNulBytes) {
  using namespace std::string_literals;
  write("t.db", {{"a\0"s, "b\0"s}, {"c", "d"}});
  const auto rows = load_raw_database_rows(*find_database(to_text(GetParam())), files_.path("t"));
  ASSERT_TRUE(rows);
  Records found;
  (*rows)->for_each([&](std::string_view key, std::string_view value) { found.emplace(key, value); });
  EXPECT_THAT(found, UnorderedElementsAre(Pair("a\0"s, "b\0"s), Pair("c", "d")));
}

TEST_P(DbTest, DoesNotWriteOverAFile) {
  write("t.db", {});
  const auto writer = DbWriter::create(files_.path("t.db"), GetParam(), 1);
  ASSERT_FALSE(writer);
  EXPECT_THAT(writer.error().text, HasSubstr("open database " + files_.path("t.db") + ": File exists"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, DbTest, ::testing::Values(DbKind::hash, DbKind::btree),
                         [](const auto& info) { return std::string(to_text(info.param)); });

TEST(RowIndex, KeepsTheFirstOrReplaces) {
  RowIndex rows;
  EXPECT_EQ(rows.add("a", "1"), RowIndex::Added::yes);
  EXPECT_EQ(rows.add("a", "2"), RowIndex::Added::duplicate);
  EXPECT_EQ(rows.get("a"), "1");
  EXPECT_EQ(rows.put("a", "3"), RowIndex::Added::yes);
  EXPECT_EQ(rows.put("b", ""), RowIndex::Added::yes);
  EXPECT_EQ(rows.size(), 2U);
  std::vector<std::pair<std::string, std::string>> seen;
  rows.for_each([&](std::string_view key, std::string_view value) { seen.emplace_back(key, value); });
  EXPECT_THAT(seen, ::testing::ElementsAre(Pair("a", "3"), Pair("b", "")));
  EXPECT_EQ(RowIndex().get("a"), std::nullopt);
}

}  // namespace
}  // namespace waypost::tables
