#include "routing/rewrite.h"

#include <gtest/gtest.h>

namespace waypost::routing {
namespace {

const RewriteSettings kSettings{.myorigin = "example.com", .mydomain = "example.com"};

struct Case {
  std::string_view address, complete;
};

class Rewrite : public ::testing::TestWithParam<Case> {};

TEST_P(Rewrite, CompletesTheAddress) { EXPECT_EQ(rewrite(GetParam().address, kSettings), GetParam().complete); }

TEST_P(Rewrite, DoesNothingMoreTheSecondTime) {
  EXPECT_EQ(rewrite(GetParam().complete, kSettings), GetParam().complete);
}

INSTANTIATE_TEST_SUITE_P(
    All, Rewrite,
    ::testing::Values(Case{"", ""}, Case{"@", ""}, Case{"user", "user@example.com"},
                      Case{"user@host", "user@host.example.com"}, Case{"user@a.b", "user@a.b"},
                      Case{"user@a.b.", "user@a.b"}, Case{"user@a.b..", "user@a.b.."}, Case{"user@.", "user@."},
                      Case{"user@", "user@"}, Case{"host!user", "user@host.example.com"},
                      Case{"a.b!c!user", "c!user@a.b"}, Case{"user%a.b", "user@a.b"}, Case{"user%a%b.c", "user%a@b.c"},
                      Case{"host!user%a.b", "user%a.b@host.example.com"}, Case{"a!b@c.d", "a!b@c.d"},
                      Case{"a%b@c.d", "a%b@c.d"}, Case{"user@[192.0.2.1]", "user@[192.0.2.1]"},
                      Case{"user@[IPv6:::1]", "user@[IPv6:::1]"}, Case{"two words", "two words@example.com"},
                      Case{"two words!x", "two words!x@example.com"}, Case{"a b%c", "a b%c@example.com"},
                      Case{"a@b@c.d", "a@b@c.d"}, Case{"user.", "user.@example.com"}));

TEST(RewriteDot, MarksALoneNameAsComplete) { EXPECT_EQ(rewrite("user@host.", kSettings), "user@host"); }

TEST(RewriteSettings, SwitchEachRuleOff) {
  RewriteSettings off = kSettings;
  off.append_at_myorigin = false;
  EXPECT_EQ(rewrite("user", off), "user");
  EXPECT_EQ(rewrite("user.", off), "user.");
  off = kSettings;
  off.append_dot_mydomain = false;
  EXPECT_EQ(rewrite("user@host", off), "user@host");
  off = kSettings;
  off.swap_bangpath = false;
  EXPECT_EQ(rewrite("host!user", off), "host!user@example.com");
  EXPECT_EQ(rewrite("host!user%a.b", off), "host!user@a.b");
  off = kSettings;
  off.allow_percent_hack = false;
  EXPECT_EQ(rewrite("user%a.b", off), "user%a.b@example.com");
}

}  // namespace
}  // namespace waypost::routing
