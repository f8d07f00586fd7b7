#include "tables/keys.h"

#include <gmock/gmock.h>

namespace waypost::tables {
namespace {

using ::testing::ElementsAre;

// "key" for whole keys, "~key" for partial ones.
std::vector<std::string> shown(const std::vector<Key>& keys) {
  std::vector<std::string> texts;
  for (const auto& key : keys) texts.push_back((key.partial ? "~" : "") + key.text);
  return texts;
}

TEST(Keys, MailAddressOfAForeignDomain) {
  EXPECT_THAT(shown(mail_address_keys("user+ext@example.com", {.recipient_delimiter = "+"})),
              ElementsAre("user+ext@example.com", "~user@example.com", "~@example.com"));
  EXPECT_THAT(shown(mail_address_keys("user@example.com", {.recipient_delimiter = "+"})),
              ElementsAre("user@example.com", "~@example.com"));
  EXPECT_THAT(shown(mail_address_keys("user+ext@example.com", {})),
              ElementsAre("user+ext@example.com", "~@example.com"));
}

TEST(Keys, MailAddressOfALocalDomainHasTheBareName) {
  EXPECT_THAT(shown(mail_address_keys("u-e+x@here", {.recipient_delimiter = "+-", .domain_is_local = true})),
              ElementsAre("u-e+x@here", "~u@here", "~u-e+x", "~u", "~@here"));
}

TEST(Keys, MailAddressWithoutDomain) {
  EXPECT_THAT(shown(mail_address_keys("user", {.domain_is_local = true})), ElementsAre("user"));
}

TEST(Keys, QuotedFormComesFirst) {
  EXPECT_THAT(shown(mail_address_keys("a b@c", {.domain_is_local = true})),
              ElementsAre("\"a b\"@c", "a b@c", "~\"a b\"", "~a b", "~@c"));
}

TEST(Keys, Transport) {
  EXPECT_THAT(shown(transport_keys("u+x@a.b.c", "+", false)),
              ElementsAre("u+x@a.b.c", "~u@a.b.c", "~a.b.c", "~.b.c", "~.c"));
  EXPECT_THAT(shown(transport_keys("u@a.b.c", "+", true)), ElementsAre("u@a.b.c", "~a.b.c", "~b.c", "~c"));
}

TEST(Keys, AccessAddress) {
  EXPECT_THAT(shown(access_address_keys("u+x@a.b", "+", true)),
              ElementsAre("u+x@a.b", "~u@a.b", "~a.b", "~b", "~u+x@", "~u@"));
}

TEST(Keys, Domain) {
  EXPECT_THAT(shown(domain_keys("mx.a.b", true)), ElementsAre("mx.a.b", "~a.b", "~b"));
  EXPECT_THAT(shown(domain_keys("mx.a.b", false)), ElementsAre("mx.a.b", "~.a.b", "~.b"));
  EXPECT_THAT(shown(domain_keys("192.0.2.1", true)), ElementsAre("192.0.2.1"));
  EXPECT_THAT(shown(domain_keys("", true)), ElementsAre());
  EXPECT_THAT(shown(domain_keys("a.", true)), ElementsAre("a."));
}

TEST(Keys, ClientAddress) {
  EXPECT_THAT(shown(client_address_keys("1.2.3.4")), ElementsAre("1.2.3.4", "~1.2.3", "~1.2", "~1"));
  EXPECT_THAT(shown(client_address_keys("2001:db8::1")),
              ElementsAre("2001:db8::1", "~2001:db8:", "~2001:db8", "~2001"));
}

struct Extension {
  std::string_view local, delimiter, bare;
};

class WithoutExtension : public ::testing::TestWithParam<Extension> {};

TEST_P(WithoutExtension, CutsAtTheFirstDelimiter) {
  EXPECT_EQ(without_extension(GetParam().local, GetParam().delimiter), GetParam().bare);
}

INSTANTIATE_TEST_SUITE_P(
    All, WithoutExtension,
    ::testing::Values(Extension{"user+a+b", "+", "user"}, Extension{"user", "+", "user"},
                      Extension{"+user", "+", "+user"}, Extension{"a-b+c", "+-", "a"},
                      Extension{"user+a", "", "user+a"}, Extension{"MAILER-DAEMON", "-", "MAILER-DAEMON"},
                      Extension{"double-bounce", "-", "double-bounce"}, Extension{"owner-list", "-", "owner-list"},
                      Extension{"list-request", "-", "list-request"}, Extension{"-request", "-", "-request"},
                      Extension{"owner-a+b", "+", "owner-a"}, Extension{"user+", "+", "user"}));

TEST(Keys, KnowWhatNeedsQuotes) {
  for (const auto good : {"user", "a.b", "a+b%c!d", "x=y", "m\xc3\xbcller"}) EXPECT_FALSE(needs_quotes(good)) << good;
  for (const auto bad : {"", ".a", "a.", "a..b", "a b", "a@b", "a,b", "a\"b", "a(b", "a\tb"}) {
    EXPECT_TRUE(needs_quotes(bad)) << bad;
  }
}

}  // namespace
}  // namespace waypost::tables
