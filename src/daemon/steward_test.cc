#include "daemon/steward.h"

#include <atomic>
#include <future>
#include <vector>

#include <gtest/gtest.h>

namespace waypost::daemon {
namespace {

TEST(Steward, KeepsTheOrderOfOneMessage) {
  std::vector<int> order;
  {
    std::promise<void> gate;
    Steward steward;
    const QueueId id(1, 1);
    steward.enqueue(id, [&] {
      gate.get_future().wait();
      order.push_back(1);
    });
    steward.in_order(id, [&] { order.push_back(2); });
    gate.set_value();
    steward.stop();
  }
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Steward, DoesAtOnceWhatWaitsForNothing) {
  std::promise<void> gate;
  bool done = false;
  Steward steward;
  steward.enqueue(QueueId(1, 1), [&] { gate.get_future().wait(); });
  steward.in_order(QueueId(1, 2), [&] { done = true; });
  EXPECT_TRUE(done);
  gate.set_value();
}

TEST(Steward, FinishesItsWorkWhenStopped) {
  std::atomic<int> done = 0;
  Steward steward;
  for (unsigned i = 0; i < 100; ++i) steward.enqueue(QueueId(1, i), [&] { ++done; });
  steward.stop();
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace waypost::daemon
