#include "mail/address.h"

#include <gtest/gtest.h>

namespace waypost::mail {
namespace {

TEST(Address, ParsesThePathsThatClientsSend) {
  const struct {
    std::string_view path, internal;
  } cases[] = {
      {"<user@example.com>", "user@example.com"},
      {"user@example.com", "user@example.com"},
      {"<User.Name+ext@Sub.Example.com>", "User.Name+ext@Sub.Example.com"},
      {"<\"a b\"@example.com>", "a b@example.com"},
      {"<\"a\\\"b\\\\\"@example.com>", "a\"b\\@example.com"},
      {"<a\\ b@example.com>", "a b@example.com"},
      {"<\"a@b\"@example.com>", "a@b@example.com"},
      {"<@relay1,@relay2:user@example.com>", "user@example.com"},
      {"< user @ example.com >", "user@example.com"},
      {"Some One <user@example.com>", "user@example.com"},
      {"<user@example.com> (comment (nested))", "user@example.com"},
      {"<user@example.com.>", "user@example.com"},
      {"<user@[192.0.2.1]>", "user@[192.0.2.1]"},
      {"<user@[IPv6:2001:db8::1]>", "user@[IPv6:2001:db8::1]"},
      {"<postmaster>", "postmaster"},
      {"<a..b@example.com>", "a..b@example.com"},
      {"<.a.@example.com>", ".a.@example.com"},
      {"<user%other@example.com>", "user%other@example.com"},
      {"<other!user@example.com>", "other!user@example.com"},
      {"<a@b@example.com>", "a@b@example.com"},
      {"<us\xc3\xa9r@example.com>", "us\xc3\xa9r@example.com"},
      {"<user@under_score.example>", "user@under_score.example"},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_path(c.path), c.internal) << c.path;
}

TEST(Address, RefusesWhatIsNoSingleAddress) {
  for (const std::string_view path : {"<>",
                                      "",
                                      "<",
                                      "<a@b,c@d>",
                                      "a@b, c@d",
                                      "<a@b> <c@d>",
                                      "group: a@b;",
                                      "<a b@example.com>",
                                      "<\"a\"b@example.com>",
                                      "<user@>",
                                      "<@example.com>",
                                      "<user@-a.example>",
                                      "<user@a-.example>",
                                      "<user@a..b>",
                                      "<user@.b>",
                                      "<user@exam ple.com>",
                                      "<user@1.2.3.4>",
                                      "<user@[1.2.3]>",
                                      "<user@[1.2.3.4>",
                                      "<\"user@example.com>",
                                      "<user@example.com> (open",
                                      "<-user@example.com>",
                                      "<us\x01r@example.com>",
                                      "<\"us\rr\"@example.com>",
                                      "<user@ex\xc3\xa9mple.com>",
                                      "<user@a,b>",
                                      "<user\\",
                                      "<user@[IPv6:zz]>"}) {
    EXPECT_FALSE(parse_path(path)) << path;
  }
  EXPECT_FALSE(parse_path(std::string_view("<a\0b@example.com>", 18)));
  EXPECT_FALSE(parse_path(std::string_view("<a@[IPv6:::1\0]>", 16)));
  EXPECT_FALSE(parse_path(std::string_view("<a@[IPv6:::1\0].>", 17)));
}

TEST(Address, NullPathOnlyWhereItIsAllowed) {
  EXPECT_EQ(parse_path("<>", {.allow_null = true}), "");
  EXPECT_EQ(parse_path("< >", {.allow_null = true}), "");
  EXPECT_EQ(parse_path("", {.allow_null = true}), "");
  EXPECT_FALSE(parse_path("<>"));
}

TEST(Address, StrictWantsBracketsAndNothingElse) {
  EXPECT_EQ(parse_path("<a@b.c>", {.strict = true}), "a@b.c");
  for (const char* path : {"a@b.c", "X <a@b.c>", "< a@b.c>", "<a@b.c> (x)", "<a(x)@b.c>"}) {
    EXPECT_FALSE(parse_path(path, {.strict = true})) << path;
  }
}

TEST(Address, OptionsAllowMore) {
  EXPECT_TRUE(parse_path("<u@1.2.3.4>", {.numeric_domain = true}));
  EXPECT_TRUE(parse_path("<-u@b.c>", {.min_user = true}));
  EXPECT_TRUE(parse_path("<u@ex\xc3\xa9mple.com>", {.utf8_domain = true}));
}

TEST(Address, HoldsItsLimits) {
  const std::string domain = "@example.com";
  EXPECT_TRUE(parse_path("<" + std::string(kMaxAddressBytes - domain.size(), 'a') + domain + ">"));
  EXPECT_FALSE(parse_path("<" + std::string(kMaxAddressBytes - domain.size() + 1, 'a') + domain + ">"));
  EXPECT_TRUE(is_valid_domain(std::string(kMaxLabelBytes, 'a') + ".b"));
  EXPECT_FALSE(is_valid_domain(std::string(kMaxLabelBytes + 1, 'a') + ".b"));
  std::string longest;
  while (longest.size() + 2 <= kMaxDomainBytes) longest += "a.";
  longest += "a";
  EXPECT_EQ(longest.size(), kMaxDomainBytes);
  EXPECT_TRUE(is_valid_domain(longest));
  EXPECT_FALSE(is_valid_domain(longest + "a"));
  const std::string open(kMaxCommentDepth, '(');
  const std::string close(kMaxCommentDepth, ')');
  EXPECT_TRUE(parse_path(open + close + "<a@b.c>"));
  EXPECT_FALSE(parse_path("(" + open + close + ")<a@b.c>"));
}

TEST(Address, QuotesOnlyWhereTheWireNeedsIt) {
  const struct {
    std::string_view internal, external;
  } cases[] = {
      {"", ""},
      {"a.b+c@d", "a.b+c@d"},
      {"a b@d", "\"a b\"@d"},
      {"a..b@d", "\"a..b\"@d"},
      {".a@d", "\".a\"@d"},
      {"a\"\\b@d", "\"a\\\"\\\\b\"@d"},
      {"a@b@d", "\"a@b\"@d"},
      {"a b", "\"a b\""},
      {"us\xc3\xa9r@d", "us\xc3\xa9r@d"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(to_external(c.internal), c.external);
    EXPECT_EQ(to_internal(c.external), c.internal);
  }
}

TEST(Address, SplitsAtTheLastAt) {
  EXPECT_EQ(local_part("a@b@c"), "a@b");
  EXPECT_EQ(domain_of("a@b@c"), "c");
  EXPECT_EQ(local_part("a"), "a");
  EXPECT_EQ(domain_of("a"), "");
  EXPECT_EQ(local_part(""), "");
}

}  // namespace
}  // namespace waypost::mail
