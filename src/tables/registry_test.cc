#include "tables/registry.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <chrono>

#include "tables/file_table.h"
#include "tables/run_immediate.h"
#include "tables/table_list.h"
#include "tables/temporary_files.h"

namespace waypost::tables {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RegistryTest : public ::testing::Test {
 protected:
  // The value, "-" for nothing, or the failure's text.
  std::string find(std::string_view type_name, std::string_view key) {
    const Lookup found = registry_.open(type_name)->find(key);
    if (!found) return found.error().text;
    return found->value_or("-");
  }
  void wait_for_check() { clock_.advance(FollowedFiles::kCheckInterval); }

  CapturingLog sink_;
  ManualClock clock_;
  TableRegistry registry_{Log(sink_, "test", 1), clock_};
  TemporaryFiles files_;
};

TEST_F(RegistryTest, OpensEachTableOnce) {
  EXPECT_EQ(registry_.open("static:x"), registry_.open("proxy:static:x"));
  EXPECT_NE(registry_.open("static:x"), registry_.open("static:y"));
}

TEST_F(RegistryTest, Static) {
  EXPECT_EQ(find("static:DUNNO", "any"), "DUNNO");
  EXPECT_EQ(find("static:{two words }", "any"), "two words");
  EXPECT_THAT(find("static:{open", "any"),
              HasSubstr("static:{open is unavailable. bad static:name syntax: missing '}'"));
}

TEST_F(RegistryTest, Inline) {
  EXPECT_EQ(find("inline:{a=b, C=d}", "A"), "b");
  EXPECT_EQ(find("inline:{a=b, C=d}", "c"), "d");
  EXPECT_EQ(find("inline:{a=b}", "x"), "-");
  EXPECT_EQ(find("inline:{{k = two words}, b=c}", "k"), "two words");
  EXPECT_EQ(find("inline:{a=b=c}", "a"), "b=c");
  EXPECT_EQ(find("inline:{a=1,a=2}", "a"), "2");
}

TEST_F(RegistryTest, InlineWithBlanksOutsideBracesFailsAsInPostfix) {
  EXPECT_EQ(find("inline:{a=b c, d=e}", "a"),
            "inline:{a=b c, d=e} is unavailable. missing '=' after attribute name: \"inline:{a=b c, d=e}\"; need "
            "\"inline:{name=value...}\"");
  for (const auto bad :
       {"inline:", "inline:{", "inline:{}", "inline:a=b", "inline:{ , }", "inline:{{a b=x}}", "inline:{{a=b}x}"}) {
    EXPECT_THAT(find(bad, "a"), HasSubstr("is unavailable. ")) << bad;
  }
}

TEST_F(RegistryTest, UnknownTypesAreNamed) {
  EXPECT_EQ(find("foo:/x", "k"), "foo:/x is unavailable. unsupported dictionary type: foo");
  EXPECT_THAT(find("mongodb:/x", "k"), HasSubstr("unsupported dictionary type: mongodb"));
  EXPECT_THAT(find("/no/type", "k"), HasSubstr("expecting \"type:name\" form"));
  EXPECT_THAT(sink_.lines(), Contains("test: error: unsupported dictionary type: foo"));
  EXPECT_THAT(sink_.lines(), Contains("test: warning: foo:/x is unavailable. unsupported dictionary type: foo"));
  EXPECT_THAT(registry_.problems(), Contains("foo:/x is unavailable. unsupported dictionary type: foo"));
}

TEST_F(RegistryTest, TexthashReadsItsFileAndFoldsKeys) {
  const auto path = files_.write("t", "Key  One\n\nother\ttwo words\n");
  EXPECT_EQ(find("texthash:" + path, "kEY"), "One");
  EXPECT_EQ(find("texthash:" + path, "OTHER"), "two words");
  EXPECT_EQ(find("texthash:" + path, "none"), "-");
}

TEST_F(RegistryTest, TexthashRefusesDuplicates) {
  const auto path = files_.write("t", "a 1\nA 2\n");
  EXPECT_THAT(find("texthash:" + path, "a"), HasSubstr("/t, line 2: duplicate entry: \"A\""));
}

TEST_F(RegistryTest, MissingFileIsUnavailableUntilItComes) {
  const auto path = files_.path("t");
  const std::string table = "texthash:" + path;
  EXPECT_EQ(find(table, "a"), table + " is unavailable. open database " + path + ": No such file or directory");
  EXPECT_THAT(sink_.lines(), ElementsAre("test: error: open database " + path + ": No such file or directory",
                                         "test: warning: " + table + " is unavailable. open database " + path +
                                             ": No such file or directory"));
  files_.write("t", "a b\n");
  EXPECT_THAT(find(table, "a"), HasSubstr("unavailable"));
  wait_for_check();
  EXPECT_EQ(find(table, "a"), "b");
  EXPECT_THAT(registry_.problems(), IsEmpty());
}

// As on a busy server that has run out of descriptors.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit none{0, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(RegistryTest, TriesAgainWhatDidNotFailByItsContent) {
  const std::string table = "texthash:" + files_.write("t", "a 1\n");
  {
    const NoMoreDescriptors shortage;
    EXPECT_THAT(find(table, "a"), HasSubstr("Too many open files"));
  }
  wait_for_check();
  EXPECT_EQ(find(table, "a"), "1");
  files_.write("t", "a 2\n");
  {
    const NoMoreDescriptors shortage;
    wait_for_check();
    EXPECT_EQ(find(table, "a"), "1");
  }
  wait_for_check();
  EXPECT_EQ(find(table, "a"), "2");
}

TEST_F(RegistryTest, FollowsItsFileOnceASecond) {
  const auto path = files_.write("t", "a 1\n");
  const std::string table = "texthash:" + path;
  EXPECT_EQ(find(table, "a"), "1");
  files_.write("t", "a 2\n");
  EXPECT_EQ(find(table, "a"), "1");
  wait_for_check();
  EXPECT_EQ(find(table, "a"), "2");
}

TEST_F(RegistryTest, KeepsTheOldContentWhenTheNewIsBroken) {
  const auto path = files_.write("t", "a 1\n");
  const std::string table = "texthash:" + path;
  EXPECT_EQ(find(table, "a"), "1");
  files_.write("t", "a 1\na 2\n");
  for (int i = 0; i < 3; ++i) {
    wait_for_check();
    EXPECT_EQ(find(table, "a"), "1");
  }
  ::unlink(path.c_str());
  wait_for_check();
  EXPECT_EQ(find(table, "a"), "1");
  EXPECT_THAT(sink_.lines(), ElementsAre("test: warning: " + table + ": " + path +
                                             ", line 2: duplicate entry: \"a\"; keeping the old content",
                                         "test: warning: " + table + ": open database " + path +
                                             ": No such file or directory; keeping the old content"));
}

TEST_F(RegistryTest, WaitsUntilAFileIsNoLongerWritten) {
  const auto path = files_.write("t", "a 1\n");
  const std::string table = "texthash:" + path;
  EXPECT_EQ(find(table, "a"), "1");
  const auto now = std::chrono::system_clock::to_time_t(clock_.wall());
  files_.write("t", "a half\n", now + 1);
  wait_for_check();
  EXPECT_EQ(find(table, "a"), "1") << "modified just now: a writer may be at work";
  files_.write("t", "a whole\n", now + 1);
  wait_for_check();
  EXPECT_EQ(find(table, "a"), "whole") << "at rest for a second";
}

TEST_F(RegistryTest, HashReadsTheTextWhereThereIsNoDb) {
  const auto path = files_.write("t", "Key value\nkey other\nlonely\n");
  EXPECT_EQ(find("hash:" + path, "KEY"), "value");
  EXPECT_THAT(sink_.lines(), ElementsAre("test: warning: " + path + ", line 2: duplicate entry: \"key\"",
                                         "test: warning: " + path +
                                             ", line 3: expected format: key whitespace value -- ignoring this line",
                                         "test: table hash:" + path + ": there is no " + path + ".db, using the text"));
}

TEST_F(RegistryTest, SourcesOfAliasDatabasesAreReadAsSuch) {
  const auto path = files_.write("aliases", "postmaster: root\n\"a b\": x,\n  y\n");
  EXPECT_EQ(find("hash:" + path, "Postmaster"), "root");
  EXPECT_EQ(find("hash:" + path, "a b"), "x, y");
  EXPECT_EQ(find("texthash:" + path, "postmaster"), "-");
}

TEST_F(RegistryTest, HashNamesTheDbWhenThereIsNothing) {
  const auto path = files_.path("t");
  EXPECT_EQ(find("hash:" + path, "k"),
            "hash:" + path + " is unavailable. open database " + path + ".db: No such file or directory");
}

TEST_F(RegistryTest, BrokenDbIsUnavailable) {
  const auto path = files_.path("t");
  files_.write("t.db", "no database");
  EXPECT_EQ(find("btree:" + path, "k"),
            "btree:" + path + " is unavailable. open database " + path + ".db: damaged database: too short");
}

class TableListTest : public RegistryTest {
 protected:
  std::string find_in(std::string_view list, std::vector<Key> keys) {
    const TableList tables(list, registry_);
    const Lookup found = run_immediate(tables.find_first(std::move(keys)));
    if (!found) return found.error().text;
    return found->value_or("-");
  }
};

TEST_F(TableListTest, SearchesTablesInOrderForEachKey) {
  EXPECT_EQ(find_in("inline:{a=1}, inline:{a=2,b=3}", {{"a", false}}), "1");
  EXPECT_EQ(find_in("inline:{a=1}, inline:{a=2,b=3}", {{"b", false}}), "3");
  EXPECT_EQ(find_in("inline:{x=1}, inline:{a=2,b=3}", {{"b", false}, {"x", false}}), "3");
  EXPECT_EQ(find_in("", {{"b", false}}), "-");
}

TEST_F(TableListTest, PartialKeysAreForIndexedTablesOnly) {
  EXPECT_EQ(find_in("static:all", {{"a", true}}), "-");
  EXPECT_EQ(find_in("static:all", {{"a", true}, {"b", false}}), "all");
}

TEST_F(TableListTest, AFailingTableEndsTheSearch) {
  EXPECT_THAT(find_in("inline:{x=1}, foo:/x, static:all", {{"a", false}}), HasSubstr("foo:/x is unavailable"));
  EXPECT_THAT(sink_.lines(), Contains("test: warning: foo:/x lookup error for \"a\""));
  EXPECT_EQ(find_in("inline:{a=1}, foo:/x", {{"a", false}}), "1");
}

TEST_F(TableListTest, SplitsOutsideBraces) {
  EXPECT_THAT(split_list(" a,b\tc{x, y}d ,{ k = v, w }"), ElementsAre("a", "b", "c{x, y}d", "{ k = v, w }"));
}

}  // namespace
}  // namespace waypost::tables
