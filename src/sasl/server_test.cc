#include "sasl/server.h"

#include <gtest/gtest.h>

#include <string>

namespace waypost::sasl {
namespace {

using namespace std::string_literals;

const Credentials& credentials(const Step& step) {
  EXPECT_TRUE(std::holds_alternative<Credentials>(step));
  static const Credentials none;
  const auto* found = std::get_if<Credentials>(&step);
  return found != nullptr ? *found : none;
}

bool refused(const Step& step) { return std::holds_alternative<Refusal>(step); }

TEST(SaslServer, KnowsItsMechanismsInAnyCase) {
  EXPECT_EQ(server_mechanisms(), (std::vector<std::string_view>{"PLAIN", "LOGIN"}));
  EXPECT_TRUE(make_server_exchange("plain"));
  EXPECT_TRUE(make_server_exchange("Login"));
  EXPECT_FALSE(make_server_exchange("CRAM-MD5"));
  EXPECT_FALSE(make_server_exchange(""));
}

TEST(SaslServer, PlainTakesAnInitialResponse) {
  const auto exchange = make_server_exchange("PLAIN");
  const Step step = exchange->start("\0ann\0s3cret"s);
  EXPECT_EQ(credentials(step).user, "ann");
  EXPECT_EQ(credentials(step).password.reveal(), "s3cret");
  EXPECT_EQ(credentials(step).authorize_as, "");
}

TEST(SaslServer, PlainAsksWithAnEmptyChallenge) {
  const auto exchange = make_server_exchange("PLAIN");
  const Step first = exchange->start();
  ASSERT_TRUE(std::holds_alternative<Challenge>(first));
  EXPECT_EQ(std::get<Challenge>(first).text, "");
  EXPECT_EQ(credentials(exchange->next("\0ann\0s3cret"s)).user, "ann");
}

TEST(SaslServer, PlainKeepsAnAuthorizationNameOnlyWhenItDiffers) {
  EXPECT_EQ(credentials(make_server_exchange("PLAIN")->start("bob\0ann\0x"s)).authorize_as, "bob");
  EXPECT_EQ(credentials(make_server_exchange("PLAIN")->start("ann\0ann\0x"s)).authorize_as, "");
}

TEST(SaslServer, PlainRefusesWhatIsNoPlainMessage) {
  for (const auto& bad : {"ann"s, "\0ann"s, "\0\0x"s, ""s, std::string(kMaxResponseBytes + 1, 'a')}) {
    EXPECT_TRUE(refused(make_server_exchange("PLAIN")->start(bad))) << bad.size();
  }
}

TEST(SaslServer, PlainHoldsNamesAndPasswordsToTheirLimits) {
  const auto with = [](std::size_t user, std::size_t password) {
    return make_server_exchange("PLAIN")->start("\0"s + std::string(user, 'u') + "\0"s + std::string(password, 'p'));
  };
  EXPECT_FALSE(refused(with(kMaxUserBytes, kMaxPasswordBytes)));
  EXPECT_TRUE(refused(with(kMaxUserBytes + 1, 1)));
  EXPECT_TRUE(refused(with(1, kMaxPasswordBytes + 1)));
}

TEST(SaslServer, LoginAsksForNameThenPassword) {
  const auto exchange = make_server_exchange("LOGIN");
  const Step first = exchange->start();
  ASSERT_TRUE(std::holds_alternative<Challenge>(first));
  EXPECT_EQ(std::get<Challenge>(first).text, "Username:");
  const Step second = exchange->next("ann");
  ASSERT_TRUE(std::holds_alternative<Challenge>(second));
  EXPECT_EQ(std::get<Challenge>(second).text, "Password:");
  EXPECT_EQ(credentials(exchange->next("s3cret")).password.reveal(), "s3cret");
}

TEST(SaslServer, LoginTakesTheNameWithTheCommand) {
  const auto exchange = make_server_exchange("LOGIN");
  ASSERT_TRUE(std::holds_alternative<Challenge>(exchange->start("ann")));
  const Step step = exchange->next("s3cret");
  EXPECT_EQ(credentials(step).user, "ann");
}

TEST(SaslServer, LoginRefusesEmptyAndSplitAnswers) {
  const auto empty = make_server_exchange("LOGIN");
  empty->start();
  EXPECT_TRUE(refused(empty->next("")));
  const auto with_nul = make_server_exchange("LOGIN");
  with_nul->start();
  EXPECT_TRUE(refused(with_nul->next("ann\0x"s)));
}

TEST(SaslServer, PlainTakesUtf8AndNothingElseBeyondAscii) {
  EXPECT_EQ(credentials(make_server_exchange("PLAIN")->start("\0ann\0p\xc3\xa4ss wort"s)).password.reveal(),
            "p\xc3\xa4ss wort");
  EXPECT_TRUE(refused(make_server_exchange("PLAIN")->start("\0ann\0w\xf6rt"s)));
}

}  // namespace
}  // namespace waypost::sasl
