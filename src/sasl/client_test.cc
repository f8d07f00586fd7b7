#include "sasl/client.h"

#include <gtest/gtest.h>

#include <string>

namespace waypost::sasl {
namespace {

using namespace std::string_literals;

ClientCredentials tim() { return {"tim", Secret("tanstaaftanstaaf")}; }

std::string chosen(std::vector<std::string_view> offered, std::string_view options) {
  const auto exchange = choose({std::move(offered), *SecurityOptions::parse(options)}, tim());
  return exchange ? std::string((*exchange)->mechanism()) : exchange.error().text;
}

TEST(SaslClient, PrefersCramThenPlainThenLogin) {
  EXPECT_EQ(chosen({"LOGIN", "PLAIN", "CRAM-MD5"}, "noanonymous"), "CRAM-MD5");
  EXPECT_EQ(chosen({"login", "plain"}, "noanonymous"), "PLAIN");
  EXPECT_EQ(chosen({"LOGIN", "GSSAPI"}, ""), "LOGIN");
}

TEST(SaslClient, SecurityOptionsExclude) {
  EXPECT_EQ(chosen({"PLAIN", "LOGIN"}, "noplaintext, noanonymous"), "no mechanism available");
  EXPECT_EQ(chosen({"PLAIN", "CRAM-MD5"}, "noplaintext noanonymous"), "CRAM-MD5");
  for (const auto* option : {"noactive", "nodictionary", "mutual_auth", "forward_secrecy"}) {
    EXPECT_EQ(chosen({"PLAIN", "LOGIN", "CRAM-MD5"}, option), "no mechanism available") << option;
  }
  EXPECT_EQ(chosen({}, ""), "no mechanism available");
}

TEST(SaslClient, UnknownOptionIsNamed) {
  const auto options = SecurityOptions::parse("noplaintext, nosuch");
  ASSERT_FALSE(options);
  EXPECT_NE(options.error().text.find("nosuch"), std::string::npos);
}

TEST(SaslClient, PlainSendsAllAtOnce) {
  const auto exchange = choose({{"PLAIN"}, {}}, tim());
  ASSERT_TRUE(exchange);
  const auto first = (*exchange)->initial_response();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->reveal(), "\0tim\0tanstaaftanstaaf"s);
  EXPECT_FALSE((*exchange)->next("more?"));
}

// RFC 2195 §2.
TEST(SaslClient, CramMd5AnswersTheRfcsChallenge) {
  const auto exchange = choose({{"CRAM-MD5"}, {}}, tim());
  ASSERT_TRUE(exchange);
  const auto first = (*exchange)->initial_response();
  ASSERT_TRUE(first);
  EXPECT_FALSE(*first);
  const auto response = (*exchange)->next("<1896.697170952@postoffice.reston.mci.net>");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->reveal(), "tim b913a602c7eda7a495b4e6e7334d3890");
}

TEST(SaslClient, LoginAnswersNameThenPasswordWhateverTheWords) {
  for (const auto& words : {std::pair{"Username:"s, "Password:"s}, std::pair{""s, ""s}}) {
    const auto exchange = choose({{"LOGIN"}, {}}, tim());
    ASSERT_TRUE(exchange);
    ASSERT_TRUE((*exchange)->initial_response());
    const auto name = (*exchange)->next(words.first);
    ASSERT_TRUE(name);
    EXPECT_EQ(name->reveal(), "tim");
    const auto password = (*exchange)->next(words.second);
    ASSERT_TRUE(password);
    EXPECT_EQ(password->reveal(), "tanstaaftanstaaf");
  }
}

TEST(SaslClient, AnEmptyPasswordIsAPassword) {
  const auto exchange = choose({{"PLAIN"}, {}}, {"tim", Secret()});
  const auto first = (*exchange)->initial_response();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->reveal(), "\0tim\0"s);
}

TEST(SaslClient, ChallengesAreHeldToTheirLimit) {
  const auto exchange = choose({{"CRAM-MD5"}, {}}, tim());
  EXPECT_FALSE((*exchange)->next(std::string(kMaxChallengeBytes + 1, 'x')));
}

TEST(SaslClient, FilterKeepsWhatItNames) {
  const std::vector<std::string_view> offered{"PLAIN", "LOGIN", "CRAM-MD5"};
  EXPECT_EQ(filter_mechanisms(offered, {}), offered);
  EXPECT_EQ(filter_mechanisms(offered, {"plain", "login"}), (std::vector<std::string_view>{"PLAIN", "LOGIN"}));
  EXPECT_EQ(filter_mechanisms(offered, {"!login", "LOGIN", "PLAIN"}), (std::vector<std::string_view>{"PLAIN"}));
}

}  // namespace
}  // namespace waypost::sasl
