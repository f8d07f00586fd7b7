#include "spool/memory_spool.h"

#include <gtest/gtest.h>

namespace waypost::spool {
namespace {

Result<> commit(MemorySpool& spool, QueueId id, const std::string& body) {
  Result<> answer = fail(Errc::timeout, "not answered");
  spool.begin(id)->commit({}, std::make_shared<const std::string>(body),
                          [&](Result<> result) { answer = std::move(result); });
  return answer;
}

TEST(MemorySpool, KeepsAndForgets) {
  MemorySpool spool;
  ASSERT_TRUE(commit(spool, QueueId(0, 1), "body"));
  EXPECT_EQ(spool.content(QueueId(0, 1)), "body");
  EXPECT_EQ(*(*spool.open(QueueId(0, 1)))->read(1, 2), "od");
  int found = 0;
  EXPECT_EQ(spool.scan([&](StoredMessage) { ++found; })->next_number, 2U);
  EXPECT_EQ(found, 1);
  spool.remove(QueueId(0, 1));
  EXPECT_EQ(spool.removals(), 1);
  EXPECT_EQ(spool.load(QueueId(0, 1)).error().code, Errc::not_found);
}

TEST(MemorySpool, FailsOnCommand) {
  MemorySpool spool;
  spool.fail_commits(Errc::no_space);
  EXPECT_EQ(commit(spool, QueueId(0, 1), "x").error().code, Errc::no_space);
  EXPECT_FALSE(spool.contains(QueueId(0, 1)));
  ASSERT_TRUE(commit(spool, QueueId(0, 2), "x"));
  spool.fail_reads(Errc::io);
  EXPECT_EQ(spool.load(QueueId(0, 2)).error().code, Errc::io);
  EXPECT_TRUE(spool.load(QueueId(0, 2)));
  spool.stop();
  EXPECT_EQ(commit(spool, QueueId(0, 3), "x").error().code, Errc::closed);
}

TEST(MemorySpool, HoldsCommitsBack) {
  MemorySpool spool;
  spool.hold_commits();
  bool done = false;
  spool.begin(QueueId(0, 1))->commit({}, std::make_shared<const std::string>("x"), [&](Result<>) { done = true; });
  EXPECT_FALSE(done);
  spool.release_commits();
  EXPECT_TRUE(done);
  EXPECT_TRUE(spool.contains(QueueId(0, 1)));
}

}  // namespace
}  // namespace waypost::spool
