#include "tables/ldap_quote.h"

#include <gtest/gtest.h>

namespace waypost::tables {
namespace {

std::string dn(std::string_view text) {
  std::string out;
  quote_for_dn(text, out);
  return out;
}

std::string filter(std::string_view text) {
  std::string out;
  quote_for_filter(text, out);
  return out;
}

TEST(LdapQuote, LeavesOrdinaryAddressesAlone) {
  EXPECT_EQ(dn("user.name@example.com"), "user.name@example.com");
  EXPECT_EQ(filter("user+tag@example.com"), "user+tag@example.com");
}

TEST(LdapQuote, EscapesWhatChangesAFilter) {
  EXPECT_EQ(filter("*)(uid=*"), "\\2A\\29\\28uid=\\2A");
  EXPECT_EQ(filter("a\\b"), "a\\5Cb");
  EXPECT_EQ(filter(std::string_view("a\0b", 3)), "a\\00b");
}

TEST(LdapQuote, EscapesWhatChangesAName) {
  EXPECT_EQ(dn("a,dc=evil"), "a\\2Cdc\\3Devil");
  EXPECT_EQ(dn(" #\"+;<>\\"), "\\20\\23\\22\\2B\\3B\\3C\\3E\\5C");
}

}  // namespace
}  // namespace waypost::tables
