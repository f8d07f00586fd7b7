#include "tables/literal_prefix.h"

#include <gtest/gtest.h>

namespace waypost::tables {
namespace {

struct Case {
  const char *expression, *prefix;
};

class LiteralPrefix : public ::testing::TestWithParam<Case> {};

TEST_P(LiteralPrefix, IsWhatEveryMatchStartsWith) {
  EXPECT_EQ(literal_prefix(GetParam().expression), GetParam().prefix) << GetParam().expression;
}

INSTANTIATE_TEST_SUITE_P(All, LiteralPrefix,
                         ::testing::Values(Case{"^Subject: .*x", "Subject: "}, Case{"^X-A:", "X-A:"}, Case{"^a$", "a"},
                                           Case{"^a[bc]", "a"}, Case{"Subject", ""}, Case{"", ""}, Case{"^", ""},
                                           Case{"^*a", ""}, Case{"^ab*", "a"}, Case{"^ab?c", "a"}, Case{"^ab{0}", "a"},
                                           Case{"^ab+", "a"}, Case{"^ab\\E*", "a"}, Case{"^ab(?#x)*", "a"},
                                           Case{"^ab(c|d)", "a"}, Case{"^Received: from (a|b)", "Received: from"},
                                           Case{"^ab|c", ""}, Case{"^a(b)|c", ""}, Case{"^a[(]b|c", ""},
                                           Case{"^a\\(b|c", ""}, Case{"^a(?#()b|c", ""}, Case{"^a(b|c", ""},
                                           Case{"^a)b|c", ""}, Case{"(^a|b)", ""}));

}  // namespace
}  // namespace waypost::tables
