#include "net/limiter.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace waypost::net {
namespace {

TEST(Limiter, GrantsUpToTheTotalAndRefusesTheNext) {
  Limiter limiter(2);
  auto first = limiter.take();
  auto second = limiter.take();
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(limiter.take());
  first.reset();
  EXPECT_TRUE(limiter.take());
  EXPECT_EQ(limiter.in_use(), 1U);
}

TEST(Limiter, CountsEachKeyForItself) {
  Limiter limiter(10, 2);
  auto a = limiter.take("192.0.2.1");
  auto b = limiter.take("192.0.2.1");
  EXPECT_TRUE(a && b);
  EXPECT_FALSE(limiter.take("192.0.2.1"));
  EXPECT_TRUE(limiter.take("192.0.2.2"));
  EXPECT_EQ(limiter.in_use("192.0.2.1"), 2U);
  b.reset();
  EXPECT_EQ(limiter.in_use("192.0.2.1"), 1U);
  EXPECT_TRUE(limiter.take("192.0.2.1"));
}

TEST(Limiter, ALoweredLimitHoldsForNewLeasesOnly) {
  Limiter limiter(3);
  std::vector<Limiter::Lease> held;
  for (int i = 0; i < 3; ++i) held.push_back(std::move(*limiter.take()));
  limiter.set_limits(1, 0);
  EXPECT_EQ(limiter.in_use(), 3U);
  held.pop_back();
  EXPECT_FALSE(limiter.take());
  held.clear();
  EXPECT_TRUE(limiter.take());
}

TEST(Limiter, ZeroMeansNoLimit) {
  Limiter limiter(0);
  std::vector<Limiter::Lease> held;
  for (int i = 0; i < 1000; ++i) held.push_back(std::move(*limiter.take("key")));
  EXPECT_EQ(limiter.in_use("key"), 1000U);
}

TEST(Limiter, ALeaseMayOutliveItsLimiter) {
  std::optional<Limiter::Lease> lease;
  {
    Limiter limiter(1);
    lease = limiter.take("key");
  }
  EXPECT_TRUE(lease);
}

TEST(Limiter, NeverGrantsMoreThanTheLimitToManyThreads) {
  Limiter limiter(3, 2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        const auto lease = limiter.take("key");
        EXPECT_LE(limiter.in_use("key"), 2U);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(limiter.in_use(), 0U);
}

}  // namespace
}  // namespace waypost::net
