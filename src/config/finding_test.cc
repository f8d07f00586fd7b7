#include "config/finding.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace waypost::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(FindingKinds, HaveOneUniqueCodeAndAMeaningEach) {
  std::set<std::string_view> names;
  for (const FindingKind& kind : finding_kinds()) {
    EXPECT_THAT(std::string(kind.name), MatchesRegex("[a-z0-9-]+"));
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    EXPECT_FALSE(kind.meaning.empty()) << kind.name;
    EXPECT_EQ(find_finding_kind(kind.name), &kind);
    EXPECT_EQ(&kind_of(kind.code), &kind);
  }
  EXPECT_EQ(find_finding_kind("no-such-code"), nullptr);
}

TEST(FindingKinds, AreAllInTheReference) {
  const std::string page = findings_reference();
  for (const FindingKind& kind : finding_kinds()) EXPECT_THAT(page, HasSubstr("`" + std::string(kind.name) + "`"));
}

TEST(Finding, NamesItsPlaceAsPostfixDoes) {
  EXPECT_EQ(describe(make_finding(FindingCode::bad_value, "main.cf", 7, "bad")), "main.cf, line 7: bad");
  EXPECT_EQ(describe(make_finding(FindingCode::bad_value, "main.cf", 0, "bad")), "main.cf: bad");
  EXPECT_EQ(describe(make_finding(FindingCode::bad_value, "", 0, "bad")), "bad");
  EXPECT_EQ(describe(make_finding(FindingCode::wrong_owner, "/x/main.cf", 0, "not owned by root: /x/main.cf")),
            "not owned by root: /x/main.cf");
}

TEST(Finding, TellsRemedyAndCode) {
  EXPECT_EQ(describe_fully(make_finding(FindingCode::bad_value, "main.cf", 7, "bad")),
            "main.cf, line 7: bad -- correct the value [bad-value]");
  EXPECT_EQ(describe_fully(make_finding(FindingCode::bad_value, "", 0, "bad", "write 7")),
            "bad -- write 7 [bad-value]");
  EXPECT_EQ(describe_fully({Severity::warning, "", 0, "odd"}), "odd [configuration]");
}

TEST(Finding, IsJson) {
  EXPECT_EQ(to_json(make_finding(FindingCode::open_relay, "main.cf", 3, "a \"b\" \\ \n\t\x01\xff")),
            "{\"code\": \"open-relay\", \"severity\": \"error\", \"file\": \"main.cf\", \"line\": 3, "
            "\"text\": \"a \\\"b\\\" \\\\ \\n\\t??\", \"remedy\": \"" +
                std::string(kind_of(FindingCode::open_relay).remedy) + "\"}");
  EXPECT_THAT(to_json({Severity::info, "", 0, "x"}), HasSubstr("\"file\": null, \"line\": null"));
}

TEST(Findings, LoseRepetitionsAndComeInTheOrderOfTheFiles) {
  Findings findings = {{Severity::error, "", 0, "last"},
                       {Severity::warning, "b", 2, "third"},
                       {Severity::warning, "b", 1, "first"},
                       {Severity::warning, "b", 1, "second"},
                       {Severity::warning, "b", 2, "third"}};
  remove_repeated(findings);
  sort_by_place(findings);
  std::vector<std::string> texts;
  for (const Finding& finding : findings) texts.push_back(finding.text);
  EXPECT_THAT(texts, ElementsAre("first", "second", "third", "last"));
  EXPECT_TRUE(has_errors(findings));
}

}  // namespace
}  // namespace waypost::config
