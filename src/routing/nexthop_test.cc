#include "routing/nexthop.h"

#include <gmock/gmock.h>

namespace waypost::routing {
namespace {

struct Good {
  std::string_view text;
  Nexthop nexthop;
};

class NexthopSyntax : public ::testing::TestWithParam<Good> {};

TEST_P(NexthopSyntax, IsTakenApart) {
  const auto nexthop = parse_nexthop(GetParam().text);
  ASSERT_TRUE(nexthop) << nexthop.error().text;
  EXPECT_EQ(*nexthop, GetParam().nexthop);
}

INSTANTIATE_TEST_SUITE_P(All, NexthopSyntax,
                         ::testing::Values(Good{"[smtp.provider.example]:587", {"smtp.provider.example", "587", true}},
                                           Good{"[smtp.provider.example]", {"smtp.provider.example", "", true}},
                                           Good{"[host]:", {"host", "", true}},
                                           Good{"example.com", {"example.com", "", false}},
                                           Good{"example.com:submission", {"example.com", "submission", false}},
                                           Good{"example.com:", {"example.com", "", false}},
                                           Good{"[192.0.2.1]:25", {"192.0.2.1", "25", true}},
                                           Good{"192.0.2.1:25", {"192.0.2.1", "25", false}},
                                           Good{"[2001:db8::1]:26", {"2001:db8::1", "26", true}},
                                           Good{"[IPv6:2001:db8::1]:26", {"2001:db8::1", "26", true}},
                                           Good{"[ipv6:::1]", {"::1", "", true}},
                                           Good{"under_score.example", {"under_score.example", "", false}}));

struct Bad {
  std::string_view text, error;
};

class NexthopErrors : public ::testing::TestWithParam<Bad> {};

TEST_P(NexthopErrors, NameTheirReason) {
  const auto nexthop = parse_nexthop(GetParam().text);
  ASSERT_FALSE(nexthop);
  EXPECT_EQ(nexthop.error().code, Errc::invalid);
  EXPECT_EQ(nexthop.error().text, GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    All, NexthopErrors,
    ::testing::Values(Bad{"", "missing host information in \"\""}, Bad{"[host", "missing \"]\" in \"[host\""},
                      Bad{"[host]x", "garbage after \"]\" in \"[host]x\""},
                      Bad{"[]:25", "missing host information in \"[]:25\""},
                      Bad{":25", "missing host information in \":25\""},
                      Bad{"[ipv6:1.2.3.4]", "malformed IPv6 address in \"[ipv6:1.2.3.4]\""},
                      Bad{"2001:db8::1", "valid hostname or network address required in \"2001:db8::1\""},
                      Bad{"host name", "valid hostname or network address required in \"host name\""},
                      Bad{"-x.example", "valid hostname or network address required in \"-x.example\""},
                      Bad{"host:25x", "garbage after numerical service in \"host:25x\""}));

TEST(Nexthops, AreTriedInTheOrderWritten) {
  const auto nexthops = parse_nexthops("[a]:25, b\t[c]");
  ASSERT_TRUE(nexthops);
  ASSERT_EQ(nexthops->size(), 3U);
  EXPECT_EQ((*nexthops)[1], (Nexthop{"b", "", false}));
  EXPECT_FALSE(parse_nexthops(" , "));
  EXPECT_FALSE(parse_nexthops("a [b"));
}

TEST(Nexthops, AreLimited) {
  std::string list;
  for (std::size_t i = 0; i < kMaxNexthops; ++i) list += "host ";
  EXPECT_TRUE(parse_nexthops(list));
  EXPECT_FALSE(parse_nexthops(list + "host"));
}

TEST(Port, IsNumberOrServiceName) {
  EXPECT_EQ(port_number("25"), 25);
  EXPECT_EQ(port_number("65535"), 65535);
  EXPECT_EQ(port_number("submission"), 587);
  EXPECT_EQ(port_number("smtps"), 465);
  for (const auto bad : {"", "0", "65536", "no-such-service", "99999999999999999999"}) {
    EXPECT_EQ(port_number(bad), std::nullopt) << bad;
  }
}

TEST(Hostname, FollowsTheRulesOfDns) {
  const std::string longest_label(63, 'a');
  for (const std::string& good : {std::string("a"), std::string("a.b-c.d_e"), std::string("1.example"),
                                  std::string("example.com."), longest_label + ".x"}) {
    EXPECT_TRUE(is_hostname(good)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".a"), std::string("a..b"), std::string("-a"), std::string("a-"),
        std::string("1.2.3.4"), std::string("123"), std::string("a b"), std::string("a@b"), longest_label + "a.x",
        std::string(256, 'a'), std::string("m\xc3\xbc.example")}) {
    EXPECT_FALSE(is_hostname(bad)) << bad;
  }
  EXPECT_TRUE(is_hostname("m\xc3\xbc.example", true));
  EXPECT_FALSE(is_hostname("m\xc3.example", true));
}

TEST(AddressLiteral, GivesTheAddressInside) {
  EXPECT_EQ(parse_address_literal("[192.0.2.1]"), "192.0.2.1");
  EXPECT_EQ(parse_address_literal("[IPv6:2001:db8::1]"), "2001:db8::1");
  EXPECT_EQ(parse_address_literal("[2001:db8::1]"), "2001:db8::1");
  for (const auto bad : {"", "[", "[]", "[x]", "[IPv6:1.2.3.4]", "[1.2.3.4", "1.2.3.4", "[1.2.3.4].", "[1.2.3]"}) {
    EXPECT_EQ(parse_address_literal(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace waypost::routing
