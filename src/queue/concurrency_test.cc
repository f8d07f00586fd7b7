#include "queue/concurrency.h"

#include <gtest/gtest.h>

namespace waypost::queue {
namespace {

TEST(Concurrency, GrowsByOnePerWindowWhenFeedbackSaysSo) {
  TransportSettings settings;
  settings.positive_feedback = *parse_feedback("1/concurrency");
  Concurrency c(settings);
  EXPECT_EQ(c.window(), 5);
  for (int i = 0; i < 4; ++i) c.succeeded(settings, 5);
  EXPECT_EQ(c.window(), 5);
  c.succeeded(settings, 5);
  EXPECT_EQ(c.window(), 6);
}

TEST(Concurrency, GrowsWithEachSuccessByDefaultUpToTheLimit) {
  const TransportSettings settings;
  Concurrency c(settings);
  for (int busy = 5; c.window() < 20; ++busy) c.succeeded(settings, busy);
  for (int i = 0; i < 10; ++i) c.succeeded(settings, 20);
  EXPECT_EQ(c.window(), 20);
}

TEST(Concurrency, StaysNearWhatIsUsed) {
  const TransportSettings settings;
  Concurrency c(settings);
  for (int i = 0; i < 10; ++i) c.succeeded(settings, 1);
  EXPECT_EQ(c.window(), 6);  // busy + initial
}

TEST(Concurrency, ZeroLimitMeansNone) {
  TransportSettings settings;
  settings.destination_concurrency_limit = 0;
  Concurrency c(settings);
  for (int busy = 5; busy < 100; ++busy) c.succeeded(settings, busy);
  EXPECT_GT(c.window(), 50);
}

TEST(Concurrency, AWindowOfFailuresIsACohort) {
  const TransportSettings settings;
  Concurrency c(settings);
  // The first failure counts at once and opens the next cycle: 5, 3, 2. And 1/5 + 1/3 + 1/2 make a cohort.
  EXPECT_FALSE(c.failed(settings));
  EXPECT_EQ(c.window(), 3);
  EXPECT_FALSE(c.failed(settings));
  EXPECT_EQ(c.window(), 2);
  EXPECT_TRUE(c.failed(settings));
  EXPECT_TRUE(c.dead());
}

TEST(Concurrency, ASuccessForgivesFailedCohorts) {
  TransportSettings settings;
  settings.negative_feedback = *parse_feedback("0");
  Concurrency c(settings);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(c.failed(settings));
  c.succeeded(settings, 1);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(c.failed(settings));
}

TEST(Concurrency, MoreCohortsMakeItMorePatient) {
  TransportSettings settings;
  settings.destination_concurrency_failed_cohort_limit = 3;
  settings.initial_destination_concurrency = 1;
  Concurrency c(settings);
  EXPECT_FALSE(c.failed(settings));
  EXPECT_FALSE(c.failed(settings));
  EXPECT_EQ(c.window(), 1);
  EXPECT_TRUE(c.failed(settings));
  TransportSettings never = settings;
  never.destination_concurrency_failed_cohort_limit = 0;
  Concurrency stubborn(never);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(stubborn.failed(never));
}

TEST(Concurrency, ComesBackFromTheDead) {
  const TransportSettings settings;
  Concurrency c(settings);
  while (!c.failed(settings)) {
  }
  c.revive(settings, 0);
  EXPECT_EQ(c.window(), 5);
  while (!c.failed(settings)) {
  }
  c.succeeded(settings, 3);
  EXPECT_EQ(c.window(), 3);
}

TEST(Feedback, ReadsWhatThePostfixManualAllows) {
  EXPECT_DOUBLE_EQ(parse_feedback("1")->at(7), 1);
  EXPECT_DOUBLE_EQ(parse_feedback("0.25")->at(7), 0.25);
  EXPECT_DOUBLE_EQ(parse_feedback("1/5")->at(7), 0.2);
  EXPECT_DOUBLE_EQ(parse_feedback("1/concurrency")->at(4), 0.25);
  EXPECT_DOUBLE_EQ(parse_feedback("1 / sqrt_concurrency")->at(4), 0.5);
  for (const char* bad : {"", "x", "2", "-1", "1/", "1/0", "1/many", "/2"}) {
    EXPECT_FALSE(parse_feedback(bad)) << bad;
  }
}

}  // namespace
}  // namespace waypost::queue
