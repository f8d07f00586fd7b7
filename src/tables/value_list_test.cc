#include "tables/value_list.h"

#include <gtest/gtest.h>

namespace waypost::tables {
namespace {

KeyTemplate format(std::string_view text) { return *KeyTemplate::parse(text, KeyTemplate::Use::result); }

TEST(ValueList, JoinsFormattedValues) {
  const auto brackets = format("smtp:[%s]");
  ValueList list(brackets, 0, "key");
  EXPECT_EQ(*ValueList(brackets, 0, "key").take(), std::nullopt);
  EXPECT_TRUE(list.add("a"));
  EXPECT_TRUE(list.add(""));
  EXPECT_TRUE(list.add("b"));
  EXPECT_EQ(*list.take(), "smtp:[a],smtp:[b]");
}

TEST(ValueList, SkippedValuesDoNotCount) {
  const auto domains = format("%d");
  ValueList list(domains, 1, "key");
  EXPECT_TRUE(list.add("unqualified"));
  EXPECT_TRUE(list.add("user@b.example"));
  EXPECT_EQ(*list.take(), "b.example");
}

TEST(ValueList, FailsAboveItsLimits) {
  const auto plain = format("%s");
  ValueList two(plain, 2, "key");
  EXPECT_TRUE(two.add("a"));
  EXPECT_TRUE(two.add("b"));
  EXPECT_EQ(two.add("c").error().text, "Expansion limit exceeded for key: 'key'");
  ValueList big(plain, 0, "key");
  EXPECT_TRUE(big.add(std::string(ValueList::kMaxBytes - 3, 'x')));
  EXPECT_TRUE(big.add("y"));
  EXPECT_EQ(big.add("z").error().code, Errc::unavailable);
}

}  // namespace
}  // namespace waypost::tables
