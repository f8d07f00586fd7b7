#include "tables/cidr.h"

#include <gmock/gmock.h>

#include "tables/cidr_rules.h"

namespace waypost::tables {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Containment {
  std::string_view pattern, address;
  bool inside;
};

class CidrContains : public ::testing::TestWithParam<Containment> {};

TEST_P(CidrContains, ComparesThePrefix) {
  const auto cidr = parse_cidr(GetParam().pattern);
  ASSERT_TRUE(cidr) << cidr.error().text;
  const auto address = parse_address(GetParam().address);
  ASSERT_TRUE(address);
  EXPECT_EQ(cidr->contains(*address), GetParam().inside);
}

INSTANTIATE_TEST_SUITE_P(
    All, CidrContains,
    ::testing::Values(
        Containment{"10.0.0.0/8", "10.255.1.2", true}, Containment{"10.0.0.0/8", "11.0.0.0", false},
        Containment{"192.0.2.1", "192.0.2.1", true}, Containment{"192.0.2.1", "192.0.2.2", false},
        Containment{"192.0.2.0/25", "192.0.2.127", true}, Containment{"192.0.2.0/25", "192.0.2.128", false},
        Containment{"0.0.0.0/0", "255.255.255.255", true}, Containment{"0.0.0.0/0", "::1", false},
        Containment{"::/0", "2001:db8::1", true}, Containment{"::/0", "10.0.0.1", false},
        Containment{"[2001:db8::]/32", "2001:db8:ffff::1", true}, Containment{"[2001:db8::/32]", "2001:db9::1", false},
        Containment{"[::1]", "0:0:0:0:0:0:0:1", true}, Containment{"2001:db8::/33", "2001:db8:7fff::", true},
        Containment{"2001:db8::/33", "2001:db8:8000::", false},
        Containment{"255.255.255.255/32", "255.255.255.255", true}));

struct BadCidr {
  std::string_view pattern, error;
};

class CidrErrors : public ::testing::TestWithParam<BadCidr> {};

TEST_P(CidrErrors, AreToldInPostfixWords) {
  const auto cidr = parse_cidr(GetParam().pattern);
  ASSERT_FALSE(cidr);
  EXPECT_EQ(cidr.error().text, GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    All, CidrErrors,
    ::testing::Values(
        BadCidr{"10.1.2.3/8",
                "non-null host address bits in \"10.1.2.3/8\", perhaps you should use \"10.0.0.0/8\" instead"},
        BadCidr{"[2001:db8::1]/64",
                "non-null host address bits in \"2001:db8::1/64\", perhaps you should use \"2001:db8::/64\" instead"},
        BadCidr{"10.0.0.0/33", "bad mask length in \"10.0.0.0/33\""},
        BadCidr{"10.0.0.0/99999999999999999999999", "bad mask length in \"10.0.0.0/99999999999999999999999\""},
        BadCidr{"::/129", "bad mask length in \"::/129\""}, BadCidr{"10.0.0.0/", "bad mask value in \"10.0.0.0/\""},
        BadCidr{"10.0.0.0/x", "bad mask value in \"10.0.0.0/x\""},
        BadCidr{"10.0.0.0/8/8", "bad mask value in \"10.0.0.0/8/8\""},
        BadCidr{"10.0.0/8", "bad network value in \"10.0.0/8\""},
        BadCidr{"010.0.0.0/8", "bad network value in \"010.0.0.0/8\""},
        BadCidr{"1.2.3", "bad address pattern: \"1.2.3\""}, BadCidr{"", "bad address pattern: \"\""},
        BadCidr{"name", "bad address pattern: \"name\""}, BadCidr{"[::1", "missing ']' character after \"[::1\""},
        BadCidr{"[::1]x", "garbage after \"[::1]\""}));

Lookup find(const CidrRules& rules, std::string_view key) { return rules.find(key); }

TEST(CidrRules, FirstMatchAnswers) {
  std::vector<std::string> warnings;
  const auto rules =
      CidrRules::parse("# nets\n10.1.0.0/16 first\n10.0.0.0/8\tsecond  with words \n::1 v6\n", "/f", warnings);
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_EQ(*find(rules, "10.1.2.3"), "first");
  EXPECT_EQ(*find(rules, "10.2.2.3"), "second  with words");
  EXPECT_EQ(*find(rules, "::1"), "v6");
  EXPECT_EQ(*find(rules, "192.0.2.1"), std::nullopt);
  EXPECT_EQ(*find(rules, "host.example"), std::nullopt);
}

TEST(CidrRules, NegationKeepsToItsAddressFamily) {
  std::vector<std::string> warnings;
  const auto rules = CidrRules::parse("!10.0.0.0/8 outside\n", "/f", warnings);
  EXPECT_EQ(*find(rules, "10.0.0.1"), std::nullopt);
  EXPECT_EQ(*find(rules, "11.0.0.1"), "outside");
  EXPECT_EQ(*find(rules, "::1"), std::nullopt);
}

TEST(CidrRules, BlocksNest) {
  std::vector<std::string> warnings;
  const auto rules = CidrRules::parse(
      "if 10.0.0.0/8\nIF !10.1.0.0/16\n10.2.0.0/16 a\nendif\n10.1.0.1 b\nENDIF\n0.0.0.0/0 c\n", "/f", warnings);
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_EQ(*find(rules, "10.2.3.4"), "a");
  EXPECT_EQ(*find(rules, "10.1.0.1"), "b");
  EXPECT_EQ(*find(rules, "10.1.0.2"), "c");
  EXPECT_EQ(*find(rules, "11.0.0.1"), "c");
}

TEST(CidrRules, AnIfWithoutEndSkipsTheRest) {
  std::vector<std::string> warnings;
  const auto rules = CidrRules::parse("if 10.0.0.0/8\n10.0.0.1 a\n0.0.0.0/0 b\n", "/f", warnings);
  EXPECT_THAT(warnings, ElementsAre("cidr map /f, line 1: IF has no matching ENDIF"));
  EXPECT_EQ(*find(rules, "10.0.0.2"), "b");
  EXPECT_EQ(*find(rules, "11.0.0.1"), std::nullopt);
}

TEST(CidrRules, SkipsBadLinesWithAWarning) {
  std::vector<std::string> warnings;
  const auto rules =
      CidrRules::parse("endif\n10.1.1.1/8 x\n10.0.0.0/8\nif\nendif x\nnonsense y\n!\n1.2.3.4 ok\n", "/f", warnings);
  EXPECT_THAT(warnings,
              ElementsAre("cidr map /f, line 1: ENDIF without IF: skipping this rule",
                          "cidr map /f, line 2: non-null host address bits in \"10.1.1.1/8\", perhaps you should use "
                          "\"10.0.0.0/8\" instead: skipping this rule",
                          "cidr map /f, line 3: no lookup result: skipping this rule",
                          "cidr map /f, line 4: no address pattern: skipping this rule",
                          "cidr map /f, line 5: garbage after ENDIF: skipping this rule",
                          "cidr map /f, line 6: bad address pattern: \"nonsense\": skipping this rule",
                          "cidr map /f, line 7: no address pattern: skipping this rule"));
  EXPECT_EQ(*find(rules, "1.2.3.4"), "ok");
}

TEST(CidrRules, OrderHoldsAcrossKindsOfRules) {
  std::vector<std::string> warnings;
  const auto rules = CidrRules::parse(
      "10.0.0.0/8 wide\n10.1.0.0/16 hidden\nif 192.168.0.0/16\n192.168.1.0/24 inner\nendif\n192.168.1.1 behind\n"
      "!172.16.0.0/12 rest\n172.16.0.0/12 last\n",
      "/f", warnings);
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_EQ(*find(rules, "10.1.0.1"), "wide");
  EXPECT_EQ(*find(rules, "192.168.1.1"), "inner");
  EXPECT_EQ(*find(rules, "192.168.2.1"), "rest");
  EXPECT_EQ(*find(rules, "172.16.0.1"), "last");
}

TEST(CidrRules, LimitsNesting) {
  std::string text;
  for (std::size_t i = 0; i <= CidrRules::kMaxNesting; ++i) text += "if 0.0.0.0/0\n";
  std::vector<std::string> warnings;
  const auto rules = CidrRules::parse(text, "/f", warnings);
  EXPECT_EQ(rules.size(), CidrRules::kMaxNesting);
  EXPECT_THAT(warnings[0], ::testing::HasSubstr("line 101: too many nested IFs: skipping this rule"));
}

}  // namespace
}  // namespace waypost::tables
