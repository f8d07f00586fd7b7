#include "mail/address_list.h"

#include <gtest/gtest.h>

namespace waypost::mail {
namespace {

using List = std::vector<std::string>;

TEST(AddressList, FindsAddressesInEveryUsualForm) {
  const struct {
    const char* text;
    List expected;
  } cases[] = {
      {"a@example.com", {"a@example.com"}},
      {"a@example.com, b@example.com", {"a@example.com", "b@example.com"}},
      {"Alice Example <a@example.com>, root", {"a@example.com", "root"}},
      {"\"Example, Alice\" <a@example.com>", {"a@example.com"}},
      {"a@example.com (Alice (nested, comment))", {"a@example.com"}},
      {"Friends: a@example.com, Bob <b@example.com>;, c@example.com",
       {"a@example.com", "b@example.com", "c@example.com"}},
      {"undisclosed-recipients:;", {}},
      {"<@one.example,@two.example:c@example.com>", {"c@example.com"}},

      {"<\"quoted\"@example.com>", {"\"quoted\"@example.com"}},
      {" , ,", {}},
      {"Just A Name", {}},
      {"a@example.com\n\t,\n b@example.com", {"a@example.com", "b@example.com"}},
  };
  for (const auto& c : cases) EXPECT_EQ(addresses_in(c.text), c.expected) << c.text;
}

TEST(AddressList, SurvivesUnfinishedInput) {
  for (const char* text : {"<", "\"", "(", "\\", "a@b <", "\"a\\", "(a\\", ":", ";", ">"}) {
    EXPECT_LE(addresses_in(text).size(), 1U) << text;
  }
}

TEST(AddressList, StopsAtItsLimit) {
  std::string many;
  for (std::size_t i = 0; i <= kMaxListedAddresses; ++i) many += "a@b,";
  EXPECT_EQ(addresses_in(many).size(), kMaxListedAddresses);
}

}  // namespace
}  // namespace waypost::mail
