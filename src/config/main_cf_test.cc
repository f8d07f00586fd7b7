#include "config/main_cf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace waypost::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Parsed {
  MainCf main;
  std::vector<std::string> findings;
  bool failed = false;

  std::string value(std::string_view name) const {
    const Setting* setting = main.find(name);
    return setting ? setting->value : "(unset)";
  }
};

Parsed parse(std::string_view text) {
  Findings findings;
  Parsed parsed;
  parsed.main = parse_main_cf(text, "main.cf", findings);
  for (const Finding& finding : findings) parsed.findings.push_back(describe(finding));
  parsed.failed = has_errors(findings);
  return parsed;
}

TEST(MainCf, TrimsNamesAndValues) {
  const Parsed p = parse("a=1\nb  =  2 3  \nc =\nd = x = y # z\n");
  EXPECT_EQ(p.value("a"), "1");
  EXPECT_EQ(p.value("b"), "2 3");
  EXPECT_EQ(p.value("c"), "");
  EXPECT_EQ(p.value("d"), "x = y # z");
  EXPECT_EQ(p.main.find("d")->line, 4);
  EXPECT_EQ(p.main.find("d")->file, "main.cf");
  EXPECT_THAT(p.findings, IsEmpty());
}

TEST(MainCf, JoinsIndentedLinesAcrossCommentsAndEmptyOnes) {
  const Parsed p = parse("a = b\n\n  # comment\n# comment\n   c\n\td\ne\n = f\nlast = line");
  EXPECT_EQ(p.value("a"), "b   c\td");
  EXPECT_EQ(p.value("e"), "f");
  EXPECT_EQ(p.value("last"), "line");
  EXPECT_THAT(p.findings, IsEmpty());
}

TEST(MainCf, LastOneWinsWithAWarning) {
  const Parsed p = parse("a = 1\nb = 2\na = 3\n");
  EXPECT_EQ(p.value("a"), "3");
  EXPECT_THAT(p.findings, ElementsAre("main.cf, line 3: overriding earlier entry: a=1"));
  EXPECT_FALSE(p.failed);
}

TEST(MainCf, NamesEveryMalformedLine) {
  const Parsed p = parse("foo\n= x\na b = c\nok = 1\n  \n");
  EXPECT_THAT(p.findings, ElementsAre("main.cf, line 1: missing '=' after attribute name: \"foo\"",
                                      "main.cf, line 2: missing attribute name: \"= x\"",
                                      "main.cf, line 3: missing '=' after attribute name: \"a b = c\""));
  EXPECT_TRUE(p.failed);
  EXPECT_EQ(p.value("ok"), "1");
}

TEST(MainCf, LeavesOutAContinuationOfNothing) {
  const Parsed p = parse("  x = y\na = b\n");
  EXPECT_THAT(p.findings, ElementsAre("main.cf, line 1: logical line must not start with whitespace: \"  x = y\""));
  EXPECT_FALSE(p.failed);
  EXPECT_EQ(p.value("a"), "b");
}

TEST(MainCf, JoinsWordsThatLostTheirIndentation) {
  const Parsed p =
      parse("smtpd_relay_restrictions =\npermit_mynetworks,\npermit_sasl_authenticated,\nreject\nmyhostname = a\n");
  EXPECT_EQ(p.value("smtpd_relay_restrictions"), "permit_mynetworks, permit_sasl_authenticated, reject");
  EXPECT_EQ(p.value("myhostname"), "a");
  EXPECT_THAT(p.findings,
              ElementsAre("main.cf, line 2: \"permit_mynetworks,\" is not indented: taken as a continuation of "
                          "smtpd_relay_restrictions",
                          "main.cf, line 3: \"permit_sasl_authenticated,\" is not indented: taken as a continuation of "
                          "smtpd_relay_restrictions",
                          "main.cf, line 4: \"reject\" is not indented: taken as a continuation of "
                          "smtpd_relay_restrictions"));
  EXPECT_FALSE(p.failed);
}

TEST(MainCf, JoinsOnlyWherePostfixRefuses) {
  EXPECT_TRUE(parse("a = b\nc\n").failed);           // nothing is open
  EXPECT_EQ(parse("a =\nb = c\n").value("b"), "c");  // a valid line is a line
  EXPECT_EQ(parse("a = x,\nb = c\n").value("a"), "x,");
  EXPECT_TRUE(parse("a = x,\nb\nc\n").failed);  // the second word is one too many
}

TEST(MainCf, DropsCommentsInRestrictionListsOnly) {
  const Parsed p = parse(
      "smtpd_recipient_restrictions = permit_mynetworks, # our own\n  permit_sasl_authenticated, # users\n  reject#x\n"
      "mua_client_restrictions = permit # all\nsmtpd_banner = a # b\n");
  EXPECT_EQ(p.value("smtpd_recipient_restrictions"), "permit_mynetworks,  permit_sasl_authenticated,  reject#x");
  EXPECT_EQ(p.value("mua_client_restrictions"), "permit");
  EXPECT_EQ(p.value("smtpd_banner"), "a # b");
  ASSERT_EQ(p.findings.size(), 3U);
  EXPECT_EQ(
      p.findings[0],
      "main.cf, line 1: \"# our own\" in smtpd_recipient_restrictions is taken as a comment; Postfix would read it "
      "as restrictions");
  EXPECT_FALSE(p.failed);
}

TEST(MainCf, UnderstandsBothLeniencesTogether) {
  const Parsed p = parse("smtpd_relay_restrictions =\npermit_mynetworks, # Allow ours\nreject # Nobody else\n");
  EXPECT_EQ(p.value("smtpd_relay_restrictions"), "permit_mynetworks, reject");
  EXPECT_FALSE(p.failed);
}

TEST(MainCf, CarriageReturnsAtLineEndsDoNoHarm) {
  const Parsed p = parse("a = b\r\n\r\nc =\r\n");
  EXPECT_EQ(p.value("a"), "b");
  EXPECT_EQ(p.value("c"), "");
}

TEST(MainCf, ReadingNamesTheFile) {
  const auto missing = read_config_file("/nonexistent/main.cf");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_EQ(missing.error().text, "open /nonexistent/main.cf: No such file or directory");
}

}  // namespace
}  // namespace waypost::config
