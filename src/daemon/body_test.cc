#include "daemon/body.h"

#include <future>

#include <gtest/gtest.h>

#include "spool/memory_spool.h"

namespace waypost::daemon {
namespace {

QueueId store(spool::MemorySpool& spool, std::uint64_t number, const std::string& text) {
  mail::Envelope envelope;
  envelope.id = QueueId(1, number);
  std::promise<bool> done;
  spool.begin(envelope.id)->commit(envelope, std::make_shared<const std::string>(text), [&](Result<> r) {
    done.set_value(r.has_value());
  });
  EXPECT_TRUE(done.get_future().get());
  return envelope.id;
}

TEST(Bodies, ReadFromTheSpoolWhatIsNotCached) {
  spool::MemorySpool spool;
  Bodies bodies(spool);
  const auto id = store(spool, 1, "0123456789");
  const auto body = bodies.make(id, 10, nullptr);
  EXPECT_EQ(body->cached(), nullptr);
  EXPECT_EQ(body->read(3, 4), "3456");
  EXPECT_EQ(body->read(8, 100), "89");
}

TEST(Bodies, CacheStaysWithinItsLimit) {
  spool::MemorySpool spool;
  Bodies bodies(spool, 10);
  const auto chunk = std::make_shared<const std::string>("0123456789");
  auto first = bodies.make(QueueId(1, 1), 10, chunk);
  EXPECT_EQ(first->cached(), chunk);
  EXPECT_EQ(bodies.make(QueueId(1, 2), 10, chunk)->cached(), nullptr);
  first.reset();
  EXPECT_EQ(bodies.cached_bytes(), 0U);
  EXPECT_EQ(bodies.make(QueueId(1, 2), 10, chunk)->cached(), chunk);
}

TEST(Bodies, SayWhenTheSpoolFails) {
  spool::MemorySpool spool;
  Bodies bodies(spool);
  EXPECT_EQ(bodies.make(QueueId(1, 7), 10, nullptr)->read(0, 10), std::nullopt);
}

}  // namespace
}  // namespace waypost::daemon
