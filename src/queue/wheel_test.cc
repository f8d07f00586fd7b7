#include "queue/wheel.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace waypost::queue {
namespace {

class WheelTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kStart = 1'700'000'000;

  std::uint32_t insert(std::uint32_t due) {
    const std::uint32_t i = entries_.allocate();
    wheel_.insert(entries_, i, due);
    return i;
  }
  std::vector<std::uint32_t> advance(std::uint32_t now) {
    std::vector<std::uint32_t> out;
    wheel_.advance(entries_, now, [&](std::uint32_t i) { out.push_back(i); });
    return out;
  }

  Entries entries_;
  Wheel wheel_{kStart};
};

TEST_F(WheelTest, GivesBackWhatIsDue) {
  const auto a = insert(kStart + 10), b = insert(kStart + 11);
  EXPECT_EQ(wheel_.next_s(), kStart + 10);
  EXPECT_TRUE(advance(kStart + 9).empty());
  EXPECT_EQ(advance(kStart + 10), std::vector{a});
  EXPECT_EQ(wheel_.next_s(), kStart + 11);
  EXPECT_EQ(advance(kStart + 100), std::vector{b});
  EXPECT_EQ(wheel_.next_s(), std::nullopt);
}

TEST_F(WheelTest, ThePastIsTheNextSecond) {
  const auto a = insert(5);
  EXPECT_TRUE(advance(kStart).empty());
  EXPECT_EQ(advance(kStart + 1), std::vector{a});
}

TEST_F(WheelTest, KeepsWhatIsDueInALaterTurn) {
  const auto a = insert(kStart + 10 + 2 * Wheel::kSlots);
  EXPECT_TRUE(advance(kStart + 10).empty());
  EXPECT_TRUE(advance(kStart + 10 + Wheel::kSlots).empty());
  EXPECT_EQ(advance(kStart + 10 + 2 * Wheel::kSlots), std::vector{a});
}

TEST_F(WheelTest, ALeapForwardMissesNothing) {
  for (std::uint32_t i = 1; i < 100; ++i) insert(kStart + i * 1'000);
  EXPECT_EQ(advance(kStart + 10'000'000).size(), 99U);
}

TEST_F(WheelTest, AClockSetBackWaits) {
  insert(kStart + 10);
  EXPECT_TRUE(advance(kStart - 5'000).empty());
  EXPECT_EQ(advance(kStart + 10).size(), 1U);
}

TEST_F(WheelTest, AgreesWithASortedListUnderRandomUse) {
  std::mt19937 random(7);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> expected;  // due, entry
  std::uint32_t now = kStart;
  for (int step = 0; step < 3'000; ++step) {
    for (int k = 0; k < 3; ++k) {
      const std::uint32_t due = now + 1 + random() % 40'000;
      expected.emplace_back(due, insert(due));
    }
    if (random() % 4 == 0 && !expected.empty()) {
      const auto victim = expected.begin() + static_cast<std::ptrdiff_t>(random() % expected.size());
      wheel_.erase(entries_, victim->second);
      entries_.release(victim->second);
      expected.erase(victim);
    }
    const auto next = wheel_.next_s();
    const auto soonest = std::ranges::min_element(expected);
    if (soonest != expected.end()) {
      ASSERT_TRUE(next);
      EXPECT_LE(*next, soonest->first);
    }
    now += random() % 60;
    auto got = advance(now);
    std::vector<std::uint32_t> want;
    std::erase_if(expected, [&](const auto& e) {
      if (e.first > now) return false;
      want.push_back(e.second);
      return true;
    });
    std::ranges::sort(got);
    std::ranges::sort(want);
    ASSERT_EQ(got, want);
    for (const std::uint32_t i : got) entries_.release(i);
  }
}

}  // namespace
}  // namespace waypost::queue
