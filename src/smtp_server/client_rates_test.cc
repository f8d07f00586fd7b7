#include "smtp_server/client_rates.h"

#include <gtest/gtest.h>

namespace waypost::smtp_server {
namespace {

using std::chrono::seconds;

TEST(ClientRates, CountsEachEventOfEachClientByItself) {
  const ManualClock clock;
  ClientRates rates(clock, seconds{60});
  EXPECT_EQ(rates.count(RateEvent::message, "192.0.2.1"), 1U);
  EXPECT_EQ(rates.count(RateEvent::message, "192.0.2.1"), 2U);
  EXPECT_EQ(rates.count(RateEvent::recipient, "192.0.2.1"), 1U);
  EXPECT_EQ(rates.count(RateEvent::message, "192.0.2.2"), 1U);
  EXPECT_EQ(rates.counted(RateEvent::message, "192.0.2.1"), 2U);
  EXPECT_EQ(rates.counted(RateEvent::auth, "192.0.2.3"), 0U);
}

TEST(ClientRates, BeginsAnewBehindTheTimeUnit) {
  ManualClock clock;
  ClientRates rates(clock, seconds{60});
  rates.count(RateEvent::message, "192.0.2.1");
  rates.count(RateEvent::recipient, "192.0.2.1");
  clock.advance(seconds{60});
  EXPECT_EQ(rates.count(RateEvent::message, "192.0.2.1"), 2U);
  clock.advance(seconds{1});
  EXPECT_EQ(rates.counted(RateEvent::message, "192.0.2.1"), 0U);
  EXPECT_EQ(rates.count(RateEvent::message, "192.0.2.1"), 1U);
  EXPECT_EQ(rates.counted(RateEvent::recipient, "192.0.2.1"), 0U);
}

TEST(ClientRates, ForgetsTheClientWhoseTimeBeganFirst) {
  ManualClock clock;
  ClientRates rates(clock, seconds{60}, 2);
  rates.count(RateEvent::message, "first");
  clock.advance(seconds{1});
  rates.count(RateEvent::message, "second");
  rates.count(RateEvent::message, "first");  // keeps its place
  rates.count(RateEvent::message, "third");
  EXPECT_EQ(rates.counted(RateEvent::message, "first"), 0U);
  EXPECT_EQ(rates.counted(RateEvent::message, "second"), 1U);
  EXPECT_EQ(rates.counted(RateEvent::message, "third"), 1U);
}

TEST(ClientRates, FollowsAChangedTimeUnit) {
  ManualClock clock;
  ClientRates rates(clock, seconds{60});
  rates.count(RateEvent::message, "192.0.2.1");
  rates.set_unit(seconds{10});
  clock.advance(seconds{11});
  EXPECT_EQ(rates.count(RateEvent::message, "192.0.2.1"), 1U);
}

TEST(ClientRange, IsTheAddressOrItsNetwork) {
  EXPECT_EQ(client_range("192.0.2.77", 32, 84), "192.0.2.77");
  EXPECT_EQ(client_range("192.0.2.77", 24, 84), "192.0.2.0/24");
  EXPECT_EQ(client_range("192.0.2.77", 31, 84), "192.0.2.76/31");
  EXPECT_EQ(client_range("192.0.2.77", 0, 84), "0.0.0.0/0");
  EXPECT_EQ(client_range("2001:db8:1:2:3:fff4:5:6", 32, 84), "2001:db8:1:2:3:f000::/84");
  EXPECT_EQ(client_range("2001:db8::1", 32, 128), "2001:db8::1");
  EXPECT_EQ(client_range("unknown", 8, 8), "unknown");
}

}  // namespace
}  // namespace waypost::smtp_server
