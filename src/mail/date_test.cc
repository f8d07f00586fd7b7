#include "mail/date.h"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

namespace waypost::mail {
namespace {

class DateTest : public testing::Test {
 protected:
  static void use_zone(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }
  void TearDown() override { use_zone("UTC0"); }
  static WallTime at(long second) { return WallTime{std::chrono::seconds{second}}; }
};

TEST_F(DateTest, ReadsAsInAReceivedField) {
  use_zone("UTC0");
  EXPECT_EQ(rfc5322_date(at(1795452485)), "Mon, 23 Nov 2026 16:48:05 +0000 (UTC)");
}

TEST_F(DateTest, FollowsTheLocalZone) {
  use_zone("IST-5:30");
  EXPECT_EQ(rfc5322_date(at(1795452486)), "Mon, 23 Nov 2026 22:18:06 +0530 (IST)");
  use_zone("NST3:30");
  EXPECT_EQ(rfc5322_date(at(1795452487)), "Mon, 23 Nov 2026 13:18:07 -0330 (NST)");
}

TEST_F(DateTest, KeepsTheTextOfTheSecond) {
  use_zone("UTC0");
  const std::string_view first = rfc5322_date(at(1795452500));
  EXPECT_EQ(rfc5322_date(at(1795452500) + std::chrono::milliseconds{999}).data(), first.data());
  EXPECT_EQ(rfc5322_date(at(1795452501)), "Mon, 23 Nov 2026 16:48:21 +0000 (UTC)");
}

TEST_F(DateTest, PadsTheDay) {
  use_zone("UTC0");
  EXPECT_EQ(rfc5322_date(at(0)), "Thu, 01 Jan 1970 00:00:00 +0000 (UTC)");
}

}  // namespace
}  // namespace waypost::mail
