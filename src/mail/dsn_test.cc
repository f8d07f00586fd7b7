#include "mail/dsn.h"

#include <gtest/gtest.h>

namespace waypost::mail {
namespace {

TEST(EnhancedStatus, ParsesWhatRfc3463Allows) {
  EXPECT_EQ(parse_status("5.1.1"), (EnhancedStatus{5, 1, 1}));
  EXPECT_EQ(parse_status("4.999.0")->text(), "4.999.0");
  EXPECT_EQ(parse_status("2.0.0")->klass, 2);
}

TEST(EnhancedStatus, RefusesEverythingElse) {
  for (const char* bad : {"", "5", "5.1", "5.1.", "5.1.1.", "5.1.1x", "3.1.1", "1.0.0", "5.1000.1", "5.1.1000", "5..1",
                          "55.1.1", " 5.1.1", "5.1.1 ok", "-5.1.1"}) {
    EXPECT_FALSE(parse_status(bad)) << bad;
  }
}

TEST(EnhancedStatus, IsTakenFromTheStartOfAText) {
  std::string_view text = "5.1.1  User unknown";
  EXPECT_EQ(take_status(text)->text(), "5.1.1");
  EXPECT_EQ(text, "User unknown");
  std::string_view none = "local delivery disabled";
  EXPECT_FALSE(take_status(none));
  EXPECT_EQ(none, "local delivery disabled");
  std::string_view alone = "4.3.2";
  EXPECT_TRUE(take_status(alone));
  EXPECT_EQ(alone, "");
}

TEST(EnhancedStatus, TheReplyCodesClassWins) {
  EXPECT_EQ(status_for_reply(450, "5.1.1"), "4.1.1");
  EXPECT_EQ(status_for_reply(550, "4.2.2"), "5.2.2");
  EXPECT_EQ(status_for_reply(250, ""), "2.0.0");
  EXPECT_EQ(status_for_reply(550, "nonsense"), "5.0.0");
  EXPECT_EQ(status_for_reply(354, ""), "5.5.0");
}

}  // namespace
}  // namespace waypost::mail
