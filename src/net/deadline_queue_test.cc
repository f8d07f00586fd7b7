#include "net/deadline_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>

namespace waypost::net {
namespace {

using std::chrono::milliseconds;
constexpr MonoTime kStart{std::chrono::hours{1}};

struct Node final : DeadlineNode {
  int fired = 0;
  std::function<void()> then;
  void expired() override {
    ++fired;
    if (then) then();
  }
};

TEST(DeadlineQueue, FiresWhatIsDueAndNothingElse) {
  DeadlineQueue queue;
  Node early;
  Node late;
  queue.arm(late, kStart + milliseconds{20});
  EXPECT_TRUE(queue.arm(early, kStart + milliseconds{10}));
  queue.expire(kStart + milliseconds{9});
  EXPECT_EQ(early.fired, 0);
  queue.expire(kStart + milliseconds{10});
  EXPECT_EQ(early.fired, 1);
  EXPECT_EQ(late.fired, 0);
  EXPECT_EQ(queue.next(), kStart + milliseconds{20});
}

TEST(DeadlineQueue, MovingADeadlineOnNeedsNoEarlierWakeUp) {
  DeadlineQueue queue;
  Node node;
  queue.arm(node, kStart + milliseconds{10});
  EXPECT_FALSE(queue.arm(node, kStart + milliseconds{50}));
  queue.expire(kStart + milliseconds{10});
  EXPECT_EQ(node.fired, 0);
  EXPECT_EQ(queue.next(), kStart + milliseconds{50});
  queue.expire(kStart + milliseconds{50});
  EXPECT_EQ(node.fired, 1);
}

TEST(DeadlineQueue, DisarmedAndDestroyedNodesDoNotFire) {
  DeadlineQueue queue;
  Node node;
  auto gone = std::make_unique<Node>();
  queue.arm(node, kStart);
  queue.arm(*gone, kStart);
  DeadlineQueue::disarm(node);
  gone.reset();
  queue.expire(kStart);
  EXPECT_EQ(node.fired, 0);
  EXPECT_EQ(queue.size(), 0U);
}

TEST(DeadlineQueue, ANodeThatRearmsItselfForThePastWaitsForTheNextRound) {
  DeadlineQueue queue;
  Node node;
  node.then = [&] { queue.arm(node, kStart); };
  queue.arm(node, kStart);
  queue.expire(kStart + milliseconds{5});
  EXPECT_EQ(node.fired, 1);
  queue.expire(kStart + milliseconds{6});
  EXPECT_EQ(node.fired, 2);
}

TEST(DeadlineQueue, AgreesWithASortedListOverRandomOperations) {
  DeadlineQueue queue;
  std::minstd_rand random(7);
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<MonoTime> expected(200, MonoTime::max());
  for (std::size_t i = 0; i < expected.size(); ++i) nodes.push_back(std::make_unique<Node>());
  MonoTime now = kStart;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t i = random() % nodes.size();
    if (random() % 4 == 0) {
      DeadlineQueue::disarm(*nodes[i]);
      expected[i] = MonoTime::max();
    } else {
      expected[i] = now + milliseconds{random() % 1000};
      queue.arm(*nodes[i], expected[i]);
    }
    if (random() % 8 != 0) continue;
    now += milliseconds{random() % 50};
    queue.expire(now);
    for (std::size_t k = 0; k < nodes.size(); ++k) {
      const bool due = expected[k] <= now;
      ASSERT_EQ(nodes[k]->fired, due ? 1 : 0);
      if (due) expected[k] = MonoTime::max();
      nodes[k]->fired = 0;
    }
  }
}

}  // namespace
}  // namespace waypost::net
