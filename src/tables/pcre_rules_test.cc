// pcre: rules, where they differ from regexp: rules.
#include <gmock/gmock.h>

#include <chrono>

#include "tables/pattern_rules.h"
#include "tables/pattern_rules_fixture.h"
#include "tables/registry.h"

namespace waypost::tables {
namespace {

using ::testing::ElementsAre;

class PcreRulesTest : public PatternRulesTest {
 protected:
  PatternRules parse(std::string_view text) { return PatternRulesTest::parse(text, kPcreDialect); }
  std::string find_in(std::string_view text, std::string_view key) { return find(parse(text), key); }
};

TEST_F(PcreRulesTest, FlagsToggle) {
  EXPECT_EQ(find_in("/abc/ x", "ABC"), "x");
  EXPECT_EQ(find_in("/abc/i x", "ABC"), "-");
  EXPECT_EQ(find_in("/^b$/ x", "a\nb\nc"), "-");
  EXPECT_EQ(find_in("/^b$/m x", "a\nb\nc"), "x");
  EXPECT_EQ(find_in("/a.b/ x", "a\nb"), "x");
  EXPECT_EQ(find_in("/a.b/s x", "a\nb"), "-");
  EXPECT_EQ(find_in("/a b # comment/x x", "ab"), "x");
  EXPECT_EQ(find_in("/b/A x", "ab"), "-");
  EXPECT_EQ(find_in("/a$/ x", "a\n"), "x");
  EXPECT_EQ(find_in("/a$/E x", "a\n"), "-");
  EXPECT_EQ(find_in("/(a+)/U $1", "aaa"), "a");
}

TEST_F(PcreRulesTest, GroupsAreFilledIn) {
  EXPECT_EQ(find_in("/^(.*)@(.*)$/ $2 ${1}x$(2) $$1", "me@there"), "there mexthere $1");
  EXPECT_EQ(find_in("/^(a)|(b)$/ <$1$2>", "b"), "<b>");
  EXPECT_EQ(find_in("/^(b)|(a)$/ <$1$2>", "b"), "<b>") << "a group behind the last that took part";
  EXPECT_EQ(find_in("/x(a|ab)/ $1", "xab"), "a") << "Perl: the first";
  std::string many = "/";
  for (int i = 0; i < 40; ++i) many += "(.)";
  EXPECT_EQ(find_in(many + "/ $40$1", std::string(39, 'a') + "b"), "ba");
}

TEST_F(PcreRulesTest, PcreSaysItsOwnWords) {
  parse("/a x\n/a/Xz x\n/(/ x\n/a/!/b/ x\n/a/ $0\n");
  EXPECT_THAT(warnings_, ElementsAre("pcre map /f, line 1: no closing regexp delimiter \"/\": ignoring this rule",
                                     "pcre map /f, line 2: ignoring obsolete regexp option \"X\"",
                                     "pcre map /f, line 2: unknown regexp option \"z\": skipping this rule",
                                     "pcre map /f, line 3: error in regex at offset 1: missing closing parenthesis",
                                     "pcre map /f, line 4: unknown regexp option \"!\": skipping this rule",
                                     "pcre map /f, line 5: out of range replacement index \"0\"",
                                     "pcre map /f, line 5: bad replacement syntax: skipping this rule"));
}

TEST_F(PcreRulesTest, HostileKeysMeetALimitAndAreNeverTakenForChecked) {
  const auto rules = parse("/^(a+)+$/ x\n/./ any\n");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(find(rules, std::string(5000, 'a') + "!"), "pcre map /f, line 1: match limit exceeded");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_THAT(sink_.lines(), ElementsAre("test: warning: pcre map /f, line 1: match limit exceeded"));
  EXPECT_EQ(find(rules, "b"), "any");
}

TEST_F(PcreRulesTest, LongKeysDoNotExhaustTheStack) {
  const auto rules = parse("/^(?:a|b|cd)*$/ x\n");
  EXPECT_EQ(find(rules, std::string(100'000, 'a')), "x");
}

TEST_F(PcreRulesTest, AKeyEndsAtItsNulByte) {
  using namespace std::string_literals;
  EXPECT_EQ(find_in("/^a$/ x", "a\0b"s), "x");
}

TEST_F(PcreRulesTest, TheRegistryOpensThem) {
  const ManualClock clock;
  TableRegistry registry(Log(sink_, "test", 1), clock);
  EXPECT_EQ(*registry.open("pcre:{{/^(\\d+)$/ number $1}}")->find("123"), "number 123");
  EXPECT_EQ(registry.open("pcre:{{/a/ b}x}")->find("a").error().text,
            "pcre:{{/a/ b}x} is unavailable. pcre map: syntax error after '}' in \"{/a/ b}x\"");
}

}  // namespace
}  // namespace waypost::tables
