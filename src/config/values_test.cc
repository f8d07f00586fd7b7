#include "config/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/table_name.h"

namespace waypost::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Values, FlagsAreYesOrNoInAnyCase) {
  EXPECT_EQ(parse_flag("yes"), true);
  EXPECT_EQ(parse_flag("No"), false);
  for (const char* bad : {"", "1", "true", "yes ", "y"}) EXPECT_FALSE(parse_flag(bad)) << bad;
}

TEST(Values, IntegersAreDecimal) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-15"), -15);
  EXPECT_EQ(parse_integer("9223372036854775807"), INT64_MAX);
  for (const char* bad : {"", "-", "+1", " 1", "1k", "0x10", "9223372036854775808"})
    EXPECT_FALSE(parse_integer(bad)) << bad;
}

TEST(Values, DurationsHaveOneNumberAndOneUnit) {
  using std::chrono::seconds;
  EXPECT_EQ(parse_duration("300s"), seconds(300));
  EXPECT_EQ(parse_duration("5m"), seconds(300));
  EXPECT_EQ(parse_duration("2H"), seconds(7200));
  EXPECT_EQ(parse_duration("5d"), seconds(5 * 86400));
  EXPECT_EQ(parse_duration("1w"), seconds(7 * 86400));
  EXPECT_EQ(parse_duration("5", 'd'), seconds(5 * 86400));
  EXPECT_EQ(parse_duration("0"), seconds(0));
  EXPECT_EQ(parse_duration("2147483647s"), seconds(INT32_MAX));
  for (const char* bad : {"", "s", "1h30m", "-1s", "5 s", "5x", "1.5h", "2147483648s", "24856d"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Values, TheDefaultHasTheUnitOfABareNumber) {
  EXPECT_EQ(default_time_unit("5d"), 'd');
  EXPECT_EQ(default_time_unit("300s"), 's');
  EXPECT_EQ(default_time_unit("0h"), 'h');
  EXPECT_EQ(default_time_unit(""), 's');
  EXPECT_EQ(default_time_unit("5"), 's');
}

TEST(Values, ListsSplitAtCommasAndBlanksOutsideOfGroups) {
  EXPECT_THAT(split_list(" a, b,,c\td\ne "), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(split_list("{ a, b } inline:{x=y, {z = w v}}, c"),
              ElementsAre("{ a, b }", "inline:{x=y, {z = w v}}", "c"));
  EXPECT_THAT(split_list("a } b"), ElementsAre("a", "}", "b"));
  EXPECT_THAT(split_list("{a b"), ElementsAre("{a b"));
  EXPECT_THAT(split_list(" , "), IsEmpty());
  EXPECT_THAT(split_words("a,b c"), ElementsAre("a,b", "c"));
}

TEST(Values, BracesOpenOnlyWholeGroups) {
  EXPECT_EQ(braced("{ a b }"), "a b");
  EXPECT_EQ(braced("{{a} {b}}"), "{a} {b}");
  EXPECT_EQ(braced("{}"), "");
  for (const char* bad : {"", "a", "{a", "{a}b", "{a} {b}", "a{b}"}) EXPECT_FALSE(braced(bad)) << bad;
}

TEST(TableName, TakesTypesApart) {
  const auto hash = parse_table_name("hash:/etc/postfix/sasl_passwd");
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->type, "hash");
  EXPECT_EQ(hash->name, "/etc/postfix/sasl_passwd");
  EXPECT_FALSE(hash->proxied);
  EXPECT_EQ(hash->text(), "hash:/etc/postfix/sasl_passwd");
  const auto proxied = parse_table_name("proxy:unix:passwd.byname");
  ASSERT_TRUE(proxied);
  EXPECT_TRUE(proxied->proxied);
  EXPECT_EQ(proxied->type, "unix");
  EXPECT_EQ(proxied->name, "passwd.byname");
  const auto inline_table = parse_table_name("inline:{a=b, {c = d e}}");
  ASSERT_TRUE(inline_table);
  EXPECT_EQ(inline_table->name, "{a=b, {c = d e}}");
}

TEST(TableName, BareNamesNeedADefault) {
  EXPECT_EQ(parse_table_name("/etc/aliases", "hash")->type, "hash");
  for (const char* bad : {"", "/etc/aliases", "hash:", ":x", "proxy:", "proxy:/x"})
    EXPECT_FALSE(parse_table_name(bad)) << bad;
  EXPECT_EQ(parse_table_name("x").error().text, "bad table name \"x\"; need \"type:name\"");
}

TEST(TableName, TellsTablesFromOtherListItems) {
  EXPECT_TRUE(is_table_name("hash:/x"));
  EXPECT_TRUE(is_table_name("unix-dgram:x"));
  for (const char* other : {"example.com", "/etc/list", "[::1]/128", "!hash:/x", ":x", ""})
    EXPECT_FALSE(is_table_name(other)) << other;
}

}  // namespace
}  // namespace waypost::config
