#include "queue/scheduler_fixture.h"

namespace waypost::queue {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;

class CommandsTest : public SchedulerFixture {
 protected:
  Answer command(Action action, QueueId id) { return scheduler_->command(action, id, now()); }
  QueueId add_deferred(const std::string& nexthop = "example.com") {
    const QueueId id = add({nexthop});
    deferred(take());
    return id;
  }
};

TEST_F(CommandsTest, UnknownIdsAreNotFound) {
  for (const Action action :
       {Action::flush, Action::hold, Action::release, Action::remove, Action::requeue, Action::expire}) {
    EXPECT_EQ(command(action, QueueId(5, 5)), Answer::not_found);
  }
}

TEST_F(CommandsTest, FlushTriesNow) {
  const QueueId id = add_deferred();
  EXPECT_EQ(command(Action::flush, id), Answer::done);
  answer_activations();
  EXPECT_EQ(ports_.deliveries.size(), 1U);
  EXPECT_EQ(command(Action::flush, id), Answer::unchanged);
}

TEST_F(CommandsTest, FlushAllIgnoresDeadDestinations) {
  for (int i = 0; i < 6; ++i) add({"dead.example"});
  for (int i = 0; i < 5; ++i) site_failed(take());
  EXPECT_EQ(scheduler_->counts().dead_lanes, 1U);
  EXPECT_EQ(scheduler_->command_all(Action::flush, now()), 6U);
  EXPECT_EQ(scheduler_->counts().dead_lanes, 0U);
  answer_activations();
  EXPECT_EQ(ports_.deliveries.size(), 5U);
}

TEST_F(CommandsTest, HeldMailWaitsForItsRelease) {
  const QueueId id = add_deferred();
  EXPECT_EQ(command(Action::hold, id), Answer::done);
  EXPECT_EQ(command(Action::hold, id), Answer::unchanged);
  EXPECT_TRUE(ports_.stored[id].held);
  EXPECT_EQ(ports_.stored[id].recipients[0].reason, "greylisted");
  EXPECT_EQ(command(Action::flush, id), Answer::unchanged);
  advance(hours{10});
  EXPECT_TRUE(ports_.activations.empty());
  EXPECT_EQ(command(Action::release, id), Answer::done);
  EXPECT_FALSE(ports_.stored[id].held);
  answer_activations();
  EXPECT_EQ(ports_.deliveries.size(), 1U);
  EXPECT_EQ(command(Action::release, id), Answer::unchanged);
}

TEST_F(CommandsTest, HoldLetsAttemptsUnderWayEnd) {
  settings_.transports["smtp"].initial_destination_concurrency = 1;
  settings_.transports["smtp"].destination_concurrency_limit = 1;
  settings_.transports["smtp"].destination_recipient_limit = 2;
  restart();
  const QueueId id = add(std::vector<std::string>(4, "example.com"));
  EXPECT_EQ(command(Action::hold, id), Answer::done);
  EXPECT_EQ(state(id), State::active);
  sent(take());
  EXPECT_TRUE(ports_.deliveries.empty());
  EXPECT_EQ(state(id), State::held);
  EXPECT_TRUE(ports_.stored[id].held);
  EXPECT_EQ(ports_.stored[id].recipients[1].state, mail::RecipientState::sent);
  EXPECT_EQ(ports_.stored[id].recipients[2].state, mail::RecipientState::pending);
  command(Action::release, id);
  answer_activations();
  EXPECT_THAT(take().recipients, ElementsAre(2, 3));
}

TEST_F(CommandsTest, HoldCatchesAMessageThatIsBeingLoaded) {
  const QueueId id = add_deferred();
  advance(seconds{300});
  EXPECT_EQ(reason(id), Reason::loading);
  EXPECT_EQ(command(Action::hold, id), Answer::done);
  answer_activations();
  EXPECT_EQ(state(id), State::held);
}

TEST_F(CommandsTest, FreshMailCanArriveHeld) {
  Arrival arrival = message({"example.com"});
  arrival.held = true;
  const QueueId id = arrival.envelope->id;
  scheduler_->add(std::move(arrival), now());
  EXPECT_EQ(reason(id), Reason::held);
  EXPECT_TRUE(ports_.stored[id].held);
}

TEST_F(CommandsTest, RemoveForgetsInEveryState) {
  const QueueId waiting = add_deferred();
  EXPECT_EQ(command(Action::remove, waiting), Answer::done);
  const QueueId running = add({"example.com"});
  EXPECT_EQ(command(Action::remove, running), Answer::done);
  EXPECT_EQ(scheduler_->counts().in_flight, 1U);
  const QueueId bouncing = add({"bad.example"});
  auto first = take();
  bounced(take());
  EXPECT_EQ(command(Action::remove, bouncing), Answer::done);
  EXPECT_THAT(ports_.removed, ElementsAre(waiting, running, bouncing));
  const auto records = ports_.records;
  deferred(first);
  scheduler_->notified(bouncing, true, now());
  EXPECT_EQ(ports_.records, records);
  EXPECT_EQ(ports_.removed.size(), 3U);
  EXPECT_TRUE(scheduler_->idle());
  EXPECT_EQ(scheduler_->counts().active, 0U);
}

TEST_F(CommandsTest, RemoveWhileLoading) {
  const QueueId id = add_deferred();
  advance(seconds{300});
  EXPECT_EQ(command(Action::remove, id), Answer::done);
  answer_activations();
  EXPECT_FALSE(exists(id));
  EXPECT_EQ(scheduler_->counts().incoming, 0U);
}

TEST_F(CommandsTest, RemoveAllEmptiesTheQueue) {
  for (int i = 0; i < 5; ++i) add_deferred("d" + std::to_string(i) + ".example");
  command(Action::hold, QueueId(1, 1));
  EXPECT_EQ(scheduler_->command_all(Action::remove, now()), 5U);
  const Counts counts = scheduler_->counts();
  EXPECT_EQ(counts.incoming + counts.active + counts.deferred + counts.held, 0U);
}

TEST_F(CommandsTest, RequeueRoutesAnew) {
  const QueueId id = add_deferred();
  command(Action::hold, id);
  EXPECT_EQ(command(Action::requeue, id), Answer::done);
  EXPECT_FALSE(ports_.stored[id].held);
  EXPECT_THAT(ports_.activations, ElementsAre(id));
}

TEST_F(CommandsTest, ExpireReturnsTheMailWithItsLastReason) {
  const QueueId id = add_deferred();
  EXPECT_EQ(command(Action::expire, id), Answer::done);
  EXPECT_EQ(command(Action::expire, id), Answer::unchanged);
  EXPECT_TRUE(ports_.stored[id].force_expire);
  answer_activations();
  EXPECT_TRUE(ports_.deliveries.empty());
  EXPECT_TRUE(log_.contains("status=force-expired, returned to sender"));
  ASSERT_EQ(ports_.notices.size(), 1U);
  EXPECT_EQ(ports_.notices[0].outcomes[0].text, "greylisted");
  scheduler_->notified(id, true, now());
  EXPECT_THAT(ports_.removed, ElementsAre(id));
}

TEST_F(CommandsTest, ExpireReachesMailInItsLane) {
  settings_.transports["smtp"].initial_destination_concurrency = 1;
  settings_.transports["smtp"].destination_concurrency_limit = 1;
  restart();
  add({"example.com"});
  const QueueId waiting = add({"example.com"});
  EXPECT_EQ(command(Action::expire, waiting), Answer::done);
  ASSERT_EQ(ports_.notices.size(), 1U);
  EXPECT_EQ(ports_.notices[0].envelope->id, waiting);
  EXPECT_EQ(ports_.notices[0].outcomes[0].text, "message has expired");
}

TEST_F(CommandsTest, TheListingComesInPieces) {
  for (int i = 0; i < 5; ++i) add_deferred("d" + std::to_string(i) + ".example");
  const QueueId active = add({"example.com"});
  Listing piece = scheduler_->list(0, 4);
  EXPECT_EQ(piece.items.size(), 4U);
  EXPECT_EQ(piece.items[0].state, State::deferred);
  EXPECT_EQ(piece.items[0].attempts, 1U);
  ASSERT_NE(piece.next, kNone);
  piece = scheduler_->list(piece.next, 4);
  EXPECT_EQ(piece.items.size(), 2U);
  EXPECT_EQ(piece.next, kNone);
  EXPECT_EQ(piece.items[1].id, active);
  EXPECT_EQ(piece.items[1].state, State::active);
  EXPECT_EQ(piece.items[1].size, 1'000U);
}

}  // namespace
}  // namespace waypost::queue
