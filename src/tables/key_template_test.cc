#include "tables/key_template.h"

#include <gmock/gmock.h>

namespace waypost::tables {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kQuery = KeyTemplate::Use::query;
constexpr auto kResult = KeyTemplate::Use::result;

void as_is(std::string_view text, std::string& out) { out += text; }

void doubled_quotes(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
}

// The expansion, "-" for a key that is not looked up.
std::string query(std::string_view text, std::string_view key) {
  const auto made = KeyTemplate::parse(text, kQuery);
  if (!made) return made.error().text;
  return made->key_needs().met_by(key) ? made->expand_query(key, as_is) : "-";
}

std::string result(std::string_view text, std::string_view value, std::string_view key) {
  const auto made = KeyTemplate::parse(text, kResult);
  if (!made) return made.error().text;
  return made->key_needs().met_by(key) ? made->expand_result(value, key).value_or("skipped") : "-";
}

TEST(KeyTemplate, ExpandsTheKeyInQueries) {
  EXPECT_EQ(query("a '%s' %%s", "user@mail.example.com"), "a 'user@mail.example.com' %s");
  EXPECT_EQ(query("%u|%U|%d|%D|%S", "user@mail.example.com"),
            "user|user|mail.example.com|mail.example.com|user@mail.example.com");
  EXPECT_EQ(query("%1.%2.%3", "user@mail.example.com"), "com.example.mail");
  EXPECT_EQ(query("%u %d", "\"a@b\"@example.com"), "\"a@b\" example.com") << "the last @ counts";
  EXPECT_EQ(query("SELECT 1", "x"), "SELECT 1");
}

TEST(KeyTemplate, KeysThatLackAPartAreNotLookedUp) {
  EXPECT_EQ(query("%u", "user"), "user") << "without a domain %u is the whole key";
  EXPECT_EQ(query("%d", "user"), "-");
  EXPECT_EQ(query("%d", "user@"), "-");
  EXPECT_EQ(query("%u", "@example.com"), "-");
  EXPECT_EQ(query("%s", "@example.com"), "@example.com");
  EXPECT_EQ(query("%d", "@example.com"), "example.com");
  EXPECT_EQ(query("%3", "user@example.com"), "-") << "too few labels";
  EXPECT_EQ(query("%3", "user@.example.com"), "-") << "an empty label";
  EXPECT_EQ(query("%2", "user@.example.com"), "example") << "an empty label that is not asked for";
  EXPECT_EQ(query("%1", "user@example.com."), "-");
}

TEST(KeyTemplate, ExpandsValueAndKeyInResults) {
  EXPECT_EQ(result("smtp:[%s]", "host", "k"), "smtp:[host]");
  EXPECT_EQ(result("%u at %d for %U at %D", "a@b.example", "k@l.example"), "a at b.example for k at l.example");
  EXPECT_EQ(result("%2", "x", "k@l.example"), "l");
  EXPECT_EQ(result("%s", "", "k"), "skipped");
  EXPECT_EQ(result("%d", "unqualified", "k"), "skipped");
  EXPECT_EQ(result("%u", "@b.example", "k"), "skipped");
  EXPECT_EQ(result("%D", "x", "k"), "-");
}

TEST(KeyTemplate, RefusesUnknownExpansions) {
  EXPECT_EQ(query("a %x", "k"), "Invalid query template: a %x");
  EXPECT_EQ(query("a %", "k"), "Invalid query template: a %");
  EXPECT_EQ(query("%0", "k"), "Invalid query template: %0");
  EXPECT_EQ(result("%q", "v", "k"), "Invalid result template: %q");
}

TEST(KeyTemplate, QuotesWhatComesFromTheKeyAndNothingElse) {
  const auto made = KeyTemplate::parse("SELECT x FROM t WHERE a='%s' AND b='%u' AND c='%1'", kQuery);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->expand_query("o'x' OR '1'='1@d.c'm", doubled_quotes),
            "SELECT x FROM t WHERE a='o''x'' OR ''1''=''1@d.c''m' AND b='o''x'' OR ''1''=''1' AND c='c''m'");
}

TEST(KeyTemplate, NamesExpansionsOutsideOfQuotes) {
  EXPECT_THAT(unquoted_expansions("SELECT a FROM t WHERE k='%s' AND d='%d'"), IsEmpty());
  EXPECT_THAT(unquoted_expansions("SELECT '%s', %u FROM \"%d\" WHERE x LIKE '%%' AND 1=%1 AND 2 %% 2"),
              ElementsAre("%u", "%d", "%1"));
}

}  // namespace
}  // namespace waypost::tables
