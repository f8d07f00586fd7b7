#include "config/expand.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace waypost::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Expands with a small dictionary; the answer is the value or "error: TEXT".
std::string run(std::string_view text, const std::map<std::string, std::string, std::less<>>& names = {}) {
  const auto result = expand(text, [&](std::string_view name) -> std::optional<std::string> {
    const auto found = names.find(name);
    return found == names.end() ? std::nullopt : std::optional(found->second);
  });
  return result ? *result : "error: " + result.error().text;
}

struct Case {
  std::string_view text;
  std::string_view expected;
};

TEST(Expand, KnowsAllForms) {
  const std::map<std::string, std::string, std::less<>> names = {
      {"a", "x"}, {"b", "$a"}, {"empty", ""}, {"blank", "$empty"}, {"u", "a b"}};
  const Case cases[] = {
      {"", ""},
      {"plain # text", "plain # text"},
      {"$a", "x"},
      {"$(a)|${a}|$a.x|$a-b", "x|x|x.x|x-b"},
      {"${ a }|${ a ?y}|${ }|${?x}|${:x}", "x|y|||x"},
      {"$b", "x"},
      {"$$a$$", "$a$"},
      {"$nope|${nope}", "|"},
      {"${a?yes}|${empty?yes}|${nope?yes}", "yes||"},
      {"${a:no}|${empty:no}|${nope:no}", "|no|no"},
      {"${blank?raw value counts}", "raw value counts"},
      {"${a?x:y}", "x:y"},
      {"${a?  x}", "  x"},
      {"${a?{yes}:{no}}|${nope?{yes}:{no}}", "yes|no"},
      {"${a ? { yes } : { no } }", " yes "},
      {"${a?{$a}}|${nope?{$a}}|${nope:{$a}}", "x||x"},
      {"${a?{y}:n }|${nope?{y}:n }", "y|n "},
      {"${nope:{${a?{in}:{out}}}}", "in"},
      {"${{a} == {a} ? {yes} : {no}}", "yes"},
      {"${{10}<{9}?{yes}:{no}}|${{10a}<{9a}?{yes}:{no}}", "no|yes"},
      {"${{ 10 } > {9}?{y}:{n}}", "n"},
      {"${{a} != {b}?{y}:{n}}|${{3} <= {3}?{y}:{n}}|${{3} >= {4}?{y}:{n}}", "y|y|n"},
      {"${{a b} == {$u}?{x}}|${{a} == {b}?{x}}|${{a} == {b}:{x}}", "x||x"},
      {"${{a} == {a}}|${{a} == {b}}", "true|"},
      {"${{a} == {a} ?yes}", "yes"},
      {"${{3.6} <level {3.11} ? {yes} : {no}}", "yes"},
      {"${{3} <level {3.11}?{y}} ${{3.6.0} ==level {3.6}?{y}:{n}}", "y y"},
      {"${{3.11} >level {3.6}?{y}}${{2} <=level {2}?{y}}${{2} >=level {3}?{y}:{n}}${{2} !=level {2}?{y}:{n}}", "yynn"},
      {"${domain_to_ascii{$a.example}}", "x.example"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(run(c.text, names), c.expected) << c.text;
  }
}

TEST(Expand, NamesWhatIsMalformed) {
  const Case cases[] = {
      {"a$", "empty macro name: \"a$\""},
      {"$-", "empty macro name: \"$-\""},
      {"${}", "empty macro name: \"${}\""},
      {"a${b", "truncated macro reference: \"a${b\""},
      {"$(b", "truncated macro reference: \"$(b\""},
      {"${my-origin}", "attribute name syntax error at: \"...my>>>-origin\""},
      {"${ $foo }", "attribute name syntax error at: \"... >>>$foo \""},
      {"${a?{x}:{y}z}", "unexpected input at: \"...y}>>>z\""},
      {"${a?{x}y:z}", "\":\" expected at: \"...x}>>>y:z\""},
      {"${a:{x}:{y}}", "unexpected input at: \"...x}>>>:{y}\""},
      {"${{a}}", "expected at: \"...a}>>>\""},
      {"${{a} = {a} ? {yes} : {no}}", "expected at: \"...a}>>>= {a} ? {yes} : {no}\""},
      {"${{a} < {b} ? {yes} : {no}:{x}}", "unexpected input at: \"...no}>>>:{x}\""},
      {"${{a} < b ? {yes}}", "\"{expression}\" expected at: \"...{a} <>>> b ? {yes}\""},
      {"${{x} <level {3.11} ? {yes}}", "malformed compatibility level syntax: \"x\""},
      {"${{1} <level {} ? {yes}}", "malformed compatibility level syntax: \"\""},
      {"${{1} <odd {2}?x}", "bad operator suffix at: \"...<>>>odd\""},
      {"${{99999999999999999999} == {1}}", "mac_exp_eval: bad conversion: 99999999999999999999"},
      {"${{a} == {a} x}", "\"?\" or \":\" expected at: \"...}>>>x\""},
      {"${domain_to_ascii{x}y}", "unexpected input"},
  };
  const std::map<std::string, std::string, std::less<>> names = {{"a", "x"}};
  for (const Case& c : cases) {
    const std::string result = run(c.text, names);
    EXPECT_TRUE(result.starts_with("error: ")) << c.text << " gives " << result;
    EXPECT_THAT(result, HasSubstr(std::string(c.expected))) << c.text;
  }
}

TEST(Expand, EndsLoopsAndExplosions) {
  EXPECT_EQ(run("$a", {{"a", "$a"}}), "error: unreasonable macro call nesting: \"a\"");
  EXPECT_THAT(run("$a", {{"a", "$b"}, {"b", "${a?{$a}}"}}), HasSubstr("unreasonable macro call nesting"));
  std::map<std::string, std::string, std::less<>> doubling;
  for (int i = 0; i < 60; ++i)
    doubling["n" + std::to_string(i)] = "$n" + std::to_string(i + 1) + "$n" + std::to_string(i + 1);
  EXPECT_THAT(run("$n0", doubling), HasSubstr("unreasonable macro call nesting"));
  doubling["n60"] = std::string(1000, 'x');
  EXPECT_THAT(run("$n0", doubling), ::testing::AnyOf(HasSubstr("exceeds"), HasSubstr("unreasonable")));
}

TEST(Expand, RecursesToTheLimitAndNoFurther) {
  std::map<std::string, std::string, std::less<>> chain;
  for (int i = 0; i < kMaxExpansionDepth + 1; ++i) chain["n" + std::to_string(i)] = "$n" + std::to_string(i + 1);
  chain["n" + std::to_string(kMaxExpansionDepth - 1)] = "end";
  EXPECT_EQ(run("$n0", chain), "end");
  chain["n" + std::to_string(kMaxExpansionDepth - 1)] = "$n" + std::to_string(kMaxExpansionDepth);
  chain["n" + std::to_string(kMaxExpansionDepth)] = "end";
  EXPECT_THAT(run("$n0", chain), HasSubstr("unreasonable"));
}

TEST(Expand, EndsCirclesThroughComparisons) {
  EXPECT_THAT(run("$a", {{"a", "${{$a} == {x}?{y}}"}}), HasSubstr("unreasonable macro call nesting"));
}

TEST(Expand, FindsReferencesInEveryBranch) {
  EXPECT_THAT(references("$a ${b?$c} ${d:{$e}} ${{$f}<{x$g}?{$h}:{$i}} $$j ${domain_to_ascii{$k}}").names,
              ElementsAre("a", "b", "c", "d", "e", "f", "g", "h", "i", "k"));
  EXPECT_THAT(references("$a ${").names, ElementsAre("a"));
  EXPECT_EQ(references("$a ${").error, "truncated macro reference: \"$a ${\"");
  EXPECT_EQ(references("$a ${b?{$c}:{d}}").error, "");
}

TEST(Expand, ParsesLevels) {
  EXPECT_LT(parse_level("3.6"), parse_level("3.11"));
  EXPECT_EQ(parse_level("3.6"), parse_level("3.6.0"));
  for (const char* bad : {"", ".", "3.", "x", "1.2.3.4", "-1", "3.6 ", "3.1024", "9999999999999"})
    EXPECT_FALSE(parse_level(bad)) << bad;
}

}  // namespace
}  // namespace waypost::config
