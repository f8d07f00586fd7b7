#include "tables/table_definition.h"

#include <gmock/gmock.h>

#include "tables/temporary_files.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kKnown[] = {"hosts", "password", "query", "timeout", "bind"};

class TableDefinitionTest : public ::testing::Test {
 protected:
  Result<TableDefinition> read(const std::string& argument) {
    return TableDefinition::read({"pgsql", argument, Log(sink_, "test", 1), clock_, true, {}, settings_, nullptr},
                                 kKnown);
  }
  TableDefinition read_text(std::string_view text) {
    path_ = files_.write("x.cf", text);
    return read(path_).value_or(TableDefinition());
  }

  CapturingLog sink_;
  ManualClock clock_;
  TableSettings settings_;
  TemporaryFiles files_;
  std::string path_;
};

TEST_F(TableDefinitionTest, ReadsAFileAsMainCfIsWritten) {
  auto definition = read_text(
      "# comment\nhosts = a, b\n  c\n\nquery = SELECT x\n  # comment\n  FROM t WHERE k='%s'\npassword = $1#x "
      "y\ntimeout=7\nbind = "
      "Yes\n");
  EXPECT_THAT(definition.list("hosts"), ElementsAre("a", "b", "c"));
  EXPECT_EQ(definition.text("query"), "SELECT x  FROM t WHERE k='%s'");
  EXPECT_EQ(definition.secret("password").reveal(), "$1#x y") << "nothing is expanded in a file";
  EXPECT_EQ(definition.number("timeout", 1), 7);
  EXPECT_EQ(definition.number("other", 5), 5);
  EXPECT_TRUE(definition.flag("bind", false));
  EXPECT_EQ(definition.text("other", "default"), "default");
  EXPECT_FALSE(definition.has("other"));
  EXPECT_THAT(definition.problem(), IsEmpty());
  EXPECT_THAT(definition.warnings(), IsEmpty());
}

TEST_F(TableDefinitionTest, NamesUnknownParametersWithoutTheirValues) {
  const auto definition = read_text("hosts = a\npasword = secret\nwhatever = secret\n");
  EXPECT_THAT(definition.warnings(),
              ElementsAre(path_ + ", line 2: a pgsql table has no parameter pasword; did you mean password?",
                          path_ + ", line 3: a pgsql table has no parameter whatever"));
}

TEST_F(TableDefinitionTest, TheLastOfARepeatedParameterCounts) {
  const auto definition = read_text("password = first\npassword = second\n");
  EXPECT_EQ(definition.secret("password").reveal(), "second");
  EXPECT_THAT(definition.warnings(), ElementsAre(path_ + ", line 2: overriding earlier entry: password"));
}

TEST_F(TableDefinitionTest, ReportsTheFirstBadValue) {
  auto definition = read_text("timeout = soon\nbind = maybe\nhosts = a\n");
  EXPECT_EQ(definition.number("timeout", 3), 3);
  EXPECT_FALSE(definition.flag("bind", false));
  EXPECT_EQ(definition.problem(), path_ + ", line 1: bad numerical configuration: timeout = soon");
  auto small = read_text("timeout = 0\n");
  EXPECT_EQ(small.number("timeout", 3, 1), 3);
  EXPECT_EQ(small.problem(), path_ + ", line 1: invalid timeout parameter value 0 < 1");
  auto large = read_text("timeout = 11\n");
  EXPECT_EQ(large.number("timeout", 3, 1, 10), 3);
  EXPECT_EQ(large.problem(), path_ + ", line 1: invalid timeout parameter value 11 > 10");
}

TEST_F(TableDefinitionTest, RefusesWhatCannotBeRead) {
  EXPECT_EQ(read("/nowhere/x.cf").error().text, "open /nowhere/x.cf: No such file or directory");
  path_ = files_.write("x.cf", "hosts = a\nsecret without sign\n");
  EXPECT_EQ(read(path_).error().text, path_ + ", line 2: missing '=' after attribute name");
}

TEST_F(TableDefinitionTest, ReadsMainCf) {
  EXPECT_EQ(read("mine").error().text, "mine_... is not defined in main.cf");
  settings_.defined = [](std::string_view name) {
    return std::vector<DefinedParameter>{{"hosts", std::string(name), "main.cf, line 1"},
                                         {"qery", "x", "main.cf, line 2"}};
  };
  const auto definition = read("mine");
  ASSERT_TRUE(definition);
  EXPECT_EQ(definition->text("hosts"), "mine");
  EXPECT_THAT(definition->warnings(),
              ElementsAre("main.cf, line 2: a pgsql table has no parameter qery; did you mean query?"));
}

}  // namespace
}  // namespace waypost::tables
