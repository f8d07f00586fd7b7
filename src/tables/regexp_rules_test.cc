// regexp: rules. The texts and results asserted here are those of Postfix's own tables.
#include "tables/pattern_rules.h"

#include <gmock/gmock.h>

#include "tables/pattern_rules_fixture.h"

namespace waypost::tables {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RegexpRulesTest : public PatternRulesTest {
 protected:
  PatternRules parse(std::string_view text) { return PatternRulesTest::parse(text, kRegexpDialect); }
  std::string find_in(std::string_view text, std::string_view key) { return find(parse(text), key); }
};

TEST_F(RegexpRulesTest, FirstMatchAnswers) {
  const auto rules = parse("/^a/ one\n/^ab/\ttwo  words \n!/b/ three\n");
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(find(rules, "abc"), "one");
  EXPECT_EQ(find(rules, "xbc"), "-");
  EXPECT_EQ(find(rules, "xyz"), "three");
  EXPECT_EQ(find(parse("/^ab/\ttwo  words \n"), "abc"), "two  words");
}

TEST_F(RegexpRulesTest, FlagsToggle) {
  EXPECT_EQ(find_in("/abc/ x", "ABC"), "x");
  EXPECT_EQ(find_in("/abc/i x", "ABC"), "-");
  EXPECT_EQ(find_in("/abc/ii x", "ABC"), "x");
  EXPECT_EQ(find_in("/^b$/ x", "a\nb\nc"), "-");
  EXPECT_EQ(find_in("/^b$/m x", "a\nb\nc"), "x");
  EXPECT_EQ(find_in("/a.b/ x", "a\nb"), "x") << "a dot matches a newline";
  EXPECT_EQ(find_in("/a+/ x", "aa"), "x");
  EXPECT_EQ(find_in("/^a+$/x x", "a+"), "x") << "basic syntax: + is a character";
}

TEST_F(RegexpRulesTest, AnyPunctuationDelimits) {
  EXPECT_EQ(find_in("%^/a%i x", "/a"), "x");
  EXPECT_EQ(find_in("/a\\/b/ x", "a/b"), "x");
  EXPECT_EQ(find_in("|a\\|b| x", "a|b"), "x");
}

TEST_F(RegexpRulesTest, GroupsAreFilledIn) {
  EXPECT_EQ(find_in("/^(.*)@(.*)$/ $2 ${1}x$(2) $$1", "me@there"), "there mexthere $1");
  EXPECT_EQ(find_in("/^(a)|(b)$/ <$1$2>", "b"), "<b>");
  EXPECT_EQ(find_in("/^(x*)y/ <$1>", "y"), "<>");
  EXPECT_EQ(find_in("/x(a|ab)/ $1", "xab"), "ab") << "POSIX: the longest";
}

TEST_F(RegexpRulesTest, TwoPatternsInOneRule) {
  const auto rules = parse("/^a/!/b$/ both\n/c/i!/d/ x\n");
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(find(rules, "ac"), "both");
  EXPECT_EQ(find(rules, "ab"), "-");
  EXPECT_EQ(find(rules, "xc"), "x");
}

TEST_F(RegexpRulesTest, BlocksNest) {
  const auto rules = parse("if /a/\nIF !/b/i\n/c/ ac\nendif\n/d/ ad\nENDIF\n/./ any\n");
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(find(rules, "ac"), "ac");
  EXPECT_EQ(find(rules, "abc"), "any");
  EXPECT_EQ(find(rules, "abcd"), "ad");
  EXPECT_EQ(find(rules, "cd"), "any");
}

TEST_F(RegexpRulesTest, AnIfWithoutEndSkipsTheRest) {
  const auto rules = parse("if /a/\n/b/ x\n/c/ y\n");
  EXPECT_THAT(warnings_, ElementsAre("regexp map /f, line 1: IF has no matching ENDIF"));
  EXPECT_EQ(find(rules, "ac"), "y");
  EXPECT_EQ(find(rules, "c"), "-");
}

TEST_F(RegexpRulesTest, SkipsBadRulesWithAWarning) {
  const auto rules = parse(
      "word x\n!\n/a x\n/a/q x\n/a/\n/(a)/ $x\n/(a)/ $0\n/(a)/ $2\n!/(a)/ $1\n/(a/ x\n/a/ ${1\n/a/ $ x\nendif\n"
      "if /z/ more\nendif more\n/^good$/ ok\n");
  EXPECT_THAT(
      warnings_,
      ElementsAre("regexp map /f, line 1: ignoring unrecognized request",
                  "regexp map /f, line 2: no regexp: skipping this rule",
                  "regexp map /f, line 3: no closing regexp delimiter \"/\": skipping this rule",
                  "regexp map /f, line 4: unknown regexp option \"q\": skipping this rule",
                  "regexp map /f, line 5: no replacement text: using empty string",
                  "regexp map /f, line 6: non-numeric replacement index \"x\"",
                  "regexp map /f, line 6: bad replacement syntax: skipping this rule",
                  "regexp map /f, line 7: out-of-range replacement index \"0\"",
                  "regexp map /f, line 7: bad replacement syntax: skipping this rule",
                  "regexp map /f, line 8: out of range replacement index \"2\": skipping this rule",
                  "regexp map /f, line 9: $number found in negative match replacement text: skipping this rule",
                  "regexp map /f, line 10: Unmatched ( or \\(", "truncated macro reference: \"${1\"",
                  "regexp map /f, line 11: bad replacement syntax: skipping this rule", "empty macro name: \"$ x\"",
                  "regexp map /f, line 12: bad replacement syntax: skipping this rule",
                  "regexp map /f, line 13: ignoring ENDIF without matching IF",
                  "regexp map /f, line 14: ignoring extra text after IF statement: \"more\"",
                  "regexp map /f, line 14: do not prepend whitespace to statements between IF and ENDIF",
                  "regexp map /f, line 15: ignoring extra text after ENDIF"));
  EXPECT_EQ(find(rules, "good"), "ok");
  EXPECT_EQ(find(rules, "a"), "") << "line 5";
}

TEST_F(RegexpRulesTest, LongKeysDoNotExhaustTheStack) {
  EXPECT_EQ(find_in("/^(a|b)*$/ x\n", std::string(100'000, 'a')), "x");
}

TEST_F(RegexpRulesTest, LimitsNestingAndLength) {
  std::string text;
  for (std::size_t i = 0; i <= PatternRules::kMaxNesting; ++i) text += "if /x/\n";
  EXPECT_EQ(parse(text).size(), PatternRules::kMaxNesting);
  EXPECT_THAT(warnings_[0], HasSubstr("line 101: too many nested IFs: skipping this rule"));
  parse("/" + std::string(PatternRules::kMaxPatternBytes, 'x') + "/ y\n");
  EXPECT_THAT(warnings_, IsEmpty());
  parse("/" + std::string(PatternRules::kMaxPatternBytes + 1, 'x') + "/ y\n");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("the regexp is longer than 32768 bytes")));
}

TEST_F(RegexpRulesTest, LimitsRepetitionsInARow) {
  EXPECT_EQ(find_in("/^a++++++++$/ x", "aaa"), "x");
  parse("/^a+++++++++$/ x\n");
  EXPECT_THAT(warnings_, ElementsAre("regexp map /f, line 1: too many repetition operators in a row"));
}

TEST_F(RegexpRulesTest, BackReferencesMeetALimit) {
  const auto rules = parse("/^(a*)b\\1$/ x\n");
  EXPECT_EQ(find(rules, "aabaa"), "x");
  EXPECT_EQ(find(rules, std::string(2000, 'c')), "-");
  EXPECT_EQ(find(rules, std::string(2001, 'c')),
            "regexp map /f, line 1: the key is too long for an expression with back-references");
}

TEST_F(RegexpRulesTest, AKeyEndsAtItsNulByte) {
  using namespace std::string_literals;
  EXPECT_EQ(find_in("/^a$/ x", "a\0b"s), "x");
}

}  // namespace
}  // namespace waypost::tables
