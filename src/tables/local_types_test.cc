// The small table types, through the registry.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>

#include "tables/file_table.h"
#include "tables/registry.h"
#include "tables/run_immediate.h"
#include "tables/temporary_files.h"

namespace waypost::tables {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class LocalTypesTest : public ::testing::Test {
 protected:
  std::string find(std::string_view type_name, std::string_view key) {
    const auto table = registry_.open(type_name);
    const Lookup found = table->find(key);
    const Lookup later = run_immediate(table->find_later(std::string(key)));
    EXPECT_EQ(later.has_value(), found.has_value());
    if (!found) return found.error().text;
    return found->value_or("-");
  }

  CapturingLog sink_;
  ManualClock clock_;
  TableRegistry registry_{Log(sink_, "test", 1), clock_};
  TemporaryFiles files_;
};

TEST_F(LocalTypesTest, UnionJoinsWhatItFinds) {
  EXPECT_EQ(find("unionmap:{inline:{a=1,b=2},inline:{a=3}}", "a"), "1,3");
  EXPECT_EQ(find("unionmap:{inline:{a=1,b=2}, inline:{a=3}}", "b"), "2");
  EXPECT_EQ(find("unionmap:{inline:{a=1} inline:{a=3}}", "c"), "-");
  EXPECT_THAT(find("unionmap:{inline:{a=1},fail:x}", "a"), StartsWith("fail:x"));
}

TEST_F(LocalTypesTest, PipeAsksTheNextForTheAnswer) {
  EXPECT_EQ(find("pipemap:{inline:{a=B},inline:{b=c}}", "a"), "c");
  EXPECT_EQ(find("pipemap:{inline:{a=b},inline:{x=c}}", "a"), "-");
  EXPECT_EQ(find("pipemap:{inline:{a=b},unionmap:{inline:{b=c},inline:{b=d}}}", "a"), "c,d");
  EXPECT_EQ(find("pipemap:{inline:{a=b},regexp:{{/^(b)$/ <$1>}}}", "a"), "<b>");
  EXPECT_THAT(find("pipemap:{inline:{a=b},fail:x}", "a"), StartsWith("fail:x"));
}

TEST_F(LocalTypesTest, TheFirstMemberSaysWhichKeysToAsk) {
  EXPECT_EQ(registry_.open("unionmap:{inline:{a=1},static:x}")->key_style(), KeyStyle::indexed);
  EXPECT_EQ(registry_.open("pipemap:{static:x,inline:{a=1}}")->key_style(), KeyStyle::whole_only);
}

TEST_F(LocalTypesTest, MembersMustBeWellFormed) {
  EXPECT_EQ(find("unionmap:x", "a"),
            "unionmap:x is unavailable. bad syntax: \"unionmap:x\"; need \"unionmap:{type:name...}\"");
  for (const auto bad : {"pipemap:{}", "pipemap:{ , }", "pipemap:{static}", "pipemap:{static:a}x", "pipemap:{static:a",
                         "randmap:{}", "randmap:a"}) {
    EXPECT_THAT(find(bad, "a"), HasSubstr("is unavailable. bad syntax: ")) << bad;
  }
  EXPECT_EQ(find("pipemap:{foo:x}", "a"), "foo:x is unavailable. unsupported dictionary type: foo");
  EXPECT_THAT(registry_.problems(), Contains("foo:x is unavailable. unsupported dictionary type: foo"));
}

TEST_F(LocalTypesTest, LimitsTablesWithinTables) {
  std::string name = "inline:{a=1}";
  for (int i = 0; i < TableRegistry::kMaxDepth; ++i) name = "unionmap:{" + name + "}";
  EXPECT_THAT(find(name, "a"), HasSubstr("inline:{a=1} is unavailable. too many tables within tables"));
  TableRegistry other(Log(sink_, "test", 1), clock_);
  const std::string outermost = "unionmap:{";
  const auto one_less = name.substr(outermost.size(), name.size() - outermost.size() - 1);
  EXPECT_EQ(other.open(one_less)->find("a")->value(), "1");
}

TEST_F(LocalTypesTest, RandomAnswersAnyOfItsValues) {
  for (int i = 0; i < 20; ++i) EXPECT_THAT(find("randmap:{a, b}", "x"), AnyOf("a", "b"));
  EXPECT_EQ(find("randmap:{only}", ""), "only");
}

TEST_F(LocalTypesTest, EnvironFoldsItsKeys) {
  ASSERT_EQ(::setenv("waypost_tables_test", "value", 1), 0);
  EXPECT_EQ(find("environ:x", "waypost_tables_test"), "value");
  EXPECT_EQ(find("environ:x", "Waypost_Tables_Test"), "value");
  EXPECT_EQ(find("environ:x", "waypost_tables_none"), "-");
  ::unsetenv("waypost_tables_test");
}

TEST_F(LocalTypesTest, FailAlwaysFails) { EXPECT_EQ(find("fail:x", "a"), "fail:x: lookups in this table always fail"); }

TEST_F(LocalTypesTest, InternalIsEmptyAndSaysSo) {
  EXPECT_EQ(find("internal:x", "a"), "-");
  EXPECT_THAT(sink_.lines(), Contains(StartsWith("test: internal:x: a table of type internal")));
}

TEST_F(LocalTypesTest, UnixShowsUsersAndGroups) {
  EXPECT_THAT(find("unix:passwd.byname", "ROOT"), StartsWith("root:x:0:0:"));
  EXPECT_THAT(find("proxy:unix:passwd.byname", "root"), StartsWith("root:x:0:0:"));
  EXPECT_EQ(find("unix:passwd.byname", "no-such-user-here"), "-");
  EXPECT_THAT(find("unix:group.byname", "root"), StartsWith("root:x:0:"));
  EXPECT_FALSE(registry_.open("unix:passwd.byname")->immediate()) << "the name service may wait for a directory";
  EXPECT_EQ(find("unix:shadow.byname", "root"), "unix:shadow.byname is unavailable. unknown table: unix:shadow.byname");
}

TEST_F(LocalTypesTest, InlineRules) {
  EXPECT_EQ(find("regexp:{{/^a(.)/ <$1>}, { /b/ two words }}", "ax"), "<x>");
  EXPECT_EQ(find("regexp:{{/^a(.)/ <$1>}, { /b/ two words }}", "b"), "two words");
  EXPECT_EQ(find("cidr:{{if 10.0.0.0/8}, {10.1.0.0/16 x}, {endif}, {0.0.0.0/0 y}}", "10.1.1.1"), "x");
  EXPECT_EQ(find("regexp:{, }", "x"), "-");
}

TEST_F(LocalTypesTest, InlineRulesMustBeWellFormed) {
  EXPECT_EQ(find("regexp:{{/a/ b}", "x"), "regexp:{{/a/ b} is unavailable. regexp map: missing '}' in \"{{/a/ b}\"");
  EXPECT_EQ(find("regexp:{{/a/ b}}x", "x"),
            "regexp:{{/a/ b}}x is unavailable. regexp map: syntax error after '}' in \"{{/a/ b}}x\"");
  EXPECT_EQ(find("cidr:{1.2.3.4 b}", "x"),
            "cidr:{1.2.3.4 b} is unavailable. cidr map: no '{' at start of text in \"1.2.3.4\"");
}

TEST_F(LocalTypesTest, RuleFilesAreFollowed) {
  for (const std::string type : {"regexp", "cidr"}) {
    const auto rule = [&](const std::string& result) { return (type == "cidr" ? "::1 " : "/::1/ ") + result + "\n"; };
    const auto path = files_.write(type, rule("old"));
    EXPECT_EQ(find(type + ":" + path, "::1"), "old");
    files_.write(type, rule("new"));
    clock_.advance(FollowedFiles::kCheckInterval);
    EXPECT_EQ(find(type + ":" + path, "::1"), "new");
  }
  const auto path = files_.path("none");
  EXPECT_EQ(find("regexp:" + path, "x"),
            "regexp:" + path + " is unavailable. open " + path + ": No such file or directory");
}

TEST_F(LocalTypesTest, TypesThatAreNotThereAreNamed) {
  EXPECT_THAT(find("sdbm:/x", "a"), HasSubstr("unsupported dictionary type: sdbm (Waypost does not read its files"));
  EXPECT_THAT(find("netinfo:/x", "a"), HasSubstr("unsupported dictionary type: netinfo (Waypost has no client"));
  EXPECT_FALSE(is_supported_type("sdbm"));
  EXPECT_TRUE(is_known_type("sdbm"));
  EXPECT_TRUE(is_supported_type("proxy"));
  EXPECT_THAT(supported_types(), Contains("regexp"));
  EXPECT_THAT(supported_types(), ::testing::Not(Contains("sdbm")));
}

}  // namespace
}  // namespace waypost::tables
