#include <chrono>

#include "queue/scheduler_fixture.h"

namespace waypost::queue {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;

using SchedulerTest = SchedulerFixture;

TEST_F(SchedulerTest, AFreshMessageGoesStraightOut) {
  const QueueId id = add({"example.com"});
  ASSERT_EQ(ports_.deliveries.size(), 1U);
  const auto request = take();
  EXPECT_EQ(request.transport, "smtp");
  EXPECT_EQ(request.nexthop, "example.com");
  EXPECT_EQ(request.recipients, std::vector<std::uint32_t>{0});
  EXPECT_FALSE(request.more_waiting);
  EXPECT_EQ(reason(id), Reason::none);
  sent(request);
  EXPECT_THAT(ports_.removed, ElementsAre(id));
  EXPECT_FALSE(exists(id));
  EXPECT_EQ(ports_.records, 0);
  EXPECT_THAT(log_.lines(),
              ElementsAre("postfix/qmgr: " + id.text() + ": from=<s@example.org>, size=1000, nrcpt=1 (queue active)",
                          "postfix/qmgr: " + id.text() + ": removed"));
  EXPECT_EQ(scheduler_->counts().lanes, 0U);
  EXPECT_TRUE(scheduler_->idle());
}

TEST_F(SchedulerTest, RecipientsAreGroupedByDestination) {
  add({"a.example", "b.example", "A.EXAMPLE", "b.example"});
  ASSERT_EQ(ports_.deliveries.size(), 2U);
  EXPECT_THAT(take().recipients, ElementsAre(0, 2));
  EXPECT_THAT(take().recipients, ElementsAre(1, 3));
}

TEST_F(SchedulerTest, ADeliveryHasAtMostTheLimitOfRecipients) {
  add(std::vector<std::string>(120, "example.com"));
  std::vector<std::size_t> sizes;
  for (const auto& request : ports_.deliveries) sizes.push_back(request.recipients.size());
  EXPECT_THAT(sizes, ElementsAre(50, 50, 20));
  EXPECT_TRUE(ports_.deliveries[0].more_waiting);
  EXPECT_FALSE(ports_.deliveries[2].more_waiting);
}

TEST_F(SchedulerTest, PartialProgressIsRecorded) {
  const QueueId id = add({"a.example", "b.example"});
  const auto a = take(), b = take();
  sent(a);
  ASSERT_EQ(ports_.stored.count(id), 1U);
  EXPECT_EQ(ports_.stored[id].recipients[0].state, mail::RecipientState::sent);
  EXPECT_EQ(ports_.stored[id].recipients[1].state, mail::RecipientState::pending);
  sent(b);
  EXPECT_FALSE(exists(id));
}

TEST_F(SchedulerTest, ManyRecipientsAreRecordedNowAndThen) {
  std::vector<std::string> nexthops;
  for (int i = 0; i < 100; ++i) nexthops.push_back("d" + std::to_string(i) + ".example");
  add(nexthops);
  for (int i = 0; i < 50; ++i) sent(take());
  EXPECT_EQ(ports_.records, 0);
  advance(kRecordInterval);
  EXPECT_EQ(ports_.records, 1);
  sent(take());
  scheduler_->record_unrecorded();
  EXPECT_EQ(ports_.records, 2);
}

TEST_F(SchedulerTest, BacksOffByTheMessagesAge) {
  const QueueId id = add({"example.com"});
  deferred(take());
  EXPECT_EQ(state(id), State::deferred);
  EXPECT_EQ(reason(id), Reason::back_off);
  EXPECT_EQ(ports_.stored[id].recipients[0].reason, "greylisted");
  EXPECT_EQ(ports_.stored[id].next_attempt, clock_.wall() + seconds{300});
  std::vector<long> waits;
  while (waits.size() < 6) {
    const auto begin = clock_.wall();
    while (ports_.activations.empty()) advance(seconds{1});
    waits.push_back((clock_.wall() - begin) / seconds{1});
    answer_activations();
    deferred(take());
  }
  EXPECT_THAT(waits, ElementsAre(300, 300, 600, 1200, 2400, 4000));
}

TEST_F(SchedulerTest, DeferredMailWaitsForTheNextQueueRun) {
  settings_.queue_run_delay = seconds{300};
  restart();
  advance(seconds{10});
  add({"example.com"});
  deferred(take());
  advance(seconds{589});  // 599 after the start; the back-off of 300 s ended at 310
  EXPECT_TRUE(ports_.activations.empty());
  advance(seconds{1});
  EXPECT_EQ(ports_.activations.size(), 1U);
}

TEST_F(SchedulerTest, NextWakeIsWhenSomethingIsDue) {
  EXPECT_EQ(scheduler_->next_wake(now()), std::nullopt);
  add({"example.com"});
  EXPECT_EQ(scheduler_->next_wake(now()), std::nullopt);
  deferred(take());
  EXPECT_EQ(scheduler_->next_wake(now()), Duration{seconds{300}});
}

TEST_F(SchedulerTest, ABounceIsQueuedBeforeTheMessageGoes) {
  const QueueId id = add({"example.com"});
  bounced(take());
  ASSERT_EQ(ports_.notices.size(), 1U);
  EXPECT_EQ(ports_.notices[0].kind, NoticeRequest::Kind::failure);
  EXPECT_EQ(ports_.notices[0].outcomes[0].dsn, "5.1.1");
  EXPECT_EQ(reason(id), Reason::notice);
  EXPECT_FALSE(scheduler_->idle());
  EXPECT_TRUE(ports_.removed.empty());
  scheduler_->notified(id, true, now());
  EXPECT_THAT(ports_.removed, ElementsAre(id));
}

TEST_F(SchedulerTest, AFailedBounceCostsNoMail) {
  const QueueId id = add({"example.com"});
  bounced(take());
  scheduler_->notified(id, false, now());
  EXPECT_EQ(state(id), State::deferred);
  EXPECT_EQ(ports_.stored[id].recipients[0].state, mail::RecipientState::pending);
  advance(seconds{300});
  answer_activations();
  EXPECT_EQ(ports_.deliveries.size(), 1U);
}

TEST_F(SchedulerTest, SomeSentSomeBouncedSomeDeferred) {
  const QueueId id = add({"a.example", "b.example", "c.example"});
  sent(take());
  bounced(take());
  EXPECT_TRUE(ports_.notices.empty());
  deferred(take());
  ASSERT_EQ(ports_.notices.size(), 1U);
  EXPECT_EQ(ports_.notices[0].outcomes.size(), 1U);
  scheduler_->notified(id, true, now());
  const auto& recipients = ports_.stored[id].recipients;
  EXPECT_EQ(recipients[0].state, mail::RecipientState::sent);
  EXPECT_EQ(recipients[1].state, mail::RecipientState::bounced);
  EXPECT_EQ(recipients[2].state, mail::RecipientState::pending);
  advance(seconds{300});
  answer_activations();
  ASSERT_EQ(ports_.deliveries.size(), 1U);
  EXPECT_THAT(ports_.deliveries[0].recipients, ElementsAre(2));
}

TEST_F(SchedulerTest, AnOldMessageExpires) {
  const QueueId id = add({"example.com"});
  deferred(take());
  advance(hours{24 * 5});
  answer_activations();
  deferred(take());
  EXPECT_TRUE(log_.contains(id.text() + ": from=<s@example.org>, status=expired, returned to sender"));
  ASSERT_EQ(ports_.notices.size(), 1U);
  EXPECT_EQ(ports_.notices[0].outcomes[0].text, "greylisted");
  scheduler_->notified(id, true, now());
  EXPECT_FALSE(exists(id));
}

TEST_F(SchedulerTest, BouncesMayExpireSoonerAndLifetimeZeroIsOneAttempt) {
  settings_.bounce_queue_lifetime = seconds{0};
  restart();
  add({"example.com"}, "");
  add({"example.com"}, "s@example.org");
  deferred(take());
  deferred(take());
  EXPECT_EQ(ports_.notices.size(), 1U);
  EXPECT_TRUE(log_.contains("from=<>, status=expired, returned to sender"));
}

TEST_F(SchedulerTest, SoftBounceReturnsNothing) {
  settings_.soft_bounce = true;
  settings_.maximal_queue_lifetime = seconds{0};
  restart();
  const QueueId id = add({"example.com"});
  deferred(take());
  EXPECT_TRUE(ports_.notices.empty());
  EXPECT_EQ(state(id), State::deferred);
}

TEST_F(SchedulerTest, TheSenderIsWarnedOnce) {
  settings_.delay_warning_time = hours{1};
  restart();
  add({"example.com"});
  deferred(take());
  EXPECT_TRUE(ports_.notices.empty());
  for (int i = 0; i < 3; ++i) {
    advance(hours{2});
    answer_activations();
    deferred(take());
  }
  ASSERT_EQ(ports_.notices.size(), 1U);
  EXPECT_EQ(ports_.notices[0].kind, NoticeRequest::Kind::delay);
}

TEST_F(SchedulerTest, TheActiveQueueIsBounded) {
  settings_.active_limit = 3;
  restart();
  std::vector<QueueId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(add({"d" + std::to_string(i) + ".example"}));
  EXPECT_EQ(ports_.deliveries.size(), 3U);
  EXPECT_EQ(reason(ids[4]), Reason::active_limit);
  EXPECT_EQ(scheduler_->counts().incoming, 2U);
  sent(take());
  EXPECT_THAT(ports_.activations, ElementsAre(ids[3]));
  EXPECT_EQ(reason(ids[3]), Reason::loading);
  answer_activations();
  EXPECT_EQ(ports_.deliveries.size(), 3U);
}

TEST_F(SchedulerTest, IncomingAndDeferredTakeTurns) {
  settings_.active_limit = 1;
  restart();
  const QueueId running = add({"x.example"});
  std::vector<QueueId> stored;
  for (int i = 0; i < 3; ++i) {
    stored.push_back(message({"y.example"}).envelope->id);
    scheduler_->add_stored({.id = stored.back(), .attempts = 1});
  }
  std::vector<QueueId> fresh;
  for (int i = 0; i < 3; ++i) fresh.push_back(add({"z.example"}));
  std::vector<QueueId> order;
  sent(take());
  for (int i = 0; i < 6; ++i) {
    order.push_back(ports_.activations.at(0));
    answer_activations();
    sent(take());
  }
  EXPECT_THAT(order, ElementsAre(fresh[0], stored[0], fresh[1], stored[1], fresh[2], stored[2]));
  EXPECT_FALSE(exists(running));
}

TEST_F(SchedulerTest, StoredMessagesComeBack) {
  const QueueId due = message({"a.example"}).envelope->id;
  const QueueId later = message({"b.example"}).envelope->id;
  const QueueId held = message({"c.example"}).envelope->id;
  scheduler_->add_stored({.id = due, .size = 5, .arrival = clock_.wall() - hours{1}, .attempts = 3});
  scheduler_->add_stored({.id = later, .next_attempt = clock_.wall() + minutes{10}, .attempts = 1});
  scheduler_->add_stored({.id = held, .held = true});
  scheduler_->advance(now());
  EXPECT_THAT(ports_.activations, ElementsAre(due));
  answer_activations();
  sent(take());
  EXPECT_EQ(reason(later), Reason::back_off);
  EXPECT_EQ(reason(held), Reason::held);
  advance(minutes{10});
  EXPECT_THAT(ports_.activations, ElementsAre(later));
  EXPECT_EQ(scheduler_->counts().held, 1U);
}

TEST_F(SchedulerTest, AMessageThatCannotBeLoadedIsTriedLater) {
  const QueueId id = message({"a.example"}).envelope->id;
  scheduler_->add_stored({.id = id, .attempts = 1});
  scheduler_->advance(now());
  scheduler_->activated({.id = id, .result = Activation::Result::unavailable, .error = "table broken"}, now());
  EXPECT_EQ(state(id), State::deferred);
  EXPECT_TRUE(log_.contains("cannot be made active: table broken"));
  advance(seconds{300});
  scheduler_->activated({.id = id, .result = Activation::Result::gone}, now());
  EXPECT_FALSE(exists(id));
}

TEST_F(SchedulerTest, AReportThatForgetsARecipientDefersIt) {
  const QueueId id = add({"example.com", "example.com"});
  const auto request = take();
  delivery::Report half = report(request, delivery::Status::sent, "2.0.0", "ok");
  half.outcomes.pop_back();
  half.outcomes.push_back({.recipient = 0, .status = delivery::Status::bounced});  // a second word counts for nothing
  half.outcomes.push_back({.recipient = 77, .status = delivery::Status::bounced});
  scheduler_->finished(std::move(half), now());
  EXPECT_EQ(ports_.stored[id].recipients[0].state, mail::RecipientState::sent);
  EXPECT_EQ(ports_.stored[id].recipients[1].reason, "unknown mail transport error");
}

TEST_F(SchedulerTest, StrayEventsAreIgnored) {
  scheduler_->finished({.serial = 99}, now());
  scheduler_->notified(QueueId(1, 99), true, now());
  const Arrival arrival = message({"example.com"});
  scheduler_->add(arrival, now());
  scheduler_->add(arrival, now());
  EXPECT_TRUE(log_.contains("queued twice"));
  EXPECT_EQ(ports_.deliveries.size(), 1U);
}

TEST_F(SchedulerTest, StoppingEndsWhatIsUnderWayAndStartsNothing) {
  add({"a.example"});
  const auto request = take();
  scheduler_->stop_handing_out();
  const QueueId late = add({"b.example"});
  EXPECT_TRUE(ports_.deliveries.empty());
  EXPECT_EQ(reason(late), Reason::stopping);
  EXPECT_FALSE(scheduler_->idle());
  sent(request);
  EXPECT_TRUE(scheduler_->idle());
}

// --- notices of success

class SuccessNotices : public SchedulerFixture {
 protected:
  delivery::Request deliver_to(std::uint8_t notify) {
    Arrival arrival = message({"a.example"});
    auto envelope = std::make_shared<mail::Envelope>(*arrival.envelope);
    envelope->recipients[0].notify = notify;
    arrival.envelope = envelope;
    id_ = envelope->id;
    known_[id_] = arrival;
    scheduler_->add(std::move(arrival), now());
    return take();
  }
  QueueId id_;
};

TEST_F(SuccessNotices, AreQueuedBeforeTheMessageIsRemoved) {
  sent(deliver_to(mail::Notify::kSuccess));
  ASSERT_EQ(ports_.notices.size(), 1U);
  EXPECT_EQ(ports_.notices[0].kind, NoticeRequest::Kind::success);
  EXPECT_EQ(ports_.notices[0].outcomes.size(), 1U);
  EXPECT_TRUE(ports_.removed.empty());
  EXPECT_FALSE(scheduler_->idle());
  scheduler_->notified(id_, true, now());
  EXPECT_EQ(ports_.removed.size(), 1U);
  EXPECT_TRUE(scheduler_->idle());
}

TEST_F(SuccessNotices, OneThatCannotBeQueuedDoesNotRepeatTheDelivery) {
  sent(deliver_to(mail::Notify::kSuccess));
  scheduler_->notified(id_, false, now());
  EXPECT_EQ(ports_.removed.size(), 1U);
  EXPECT_TRUE(log_.contains("the notice of success to its sender could not be queued"));
}

TEST_F(SuccessNotices, AreNotForThoseWhoAskedForNoneNorWhenTheServerSendsThem) {
  sent(deliver_to(mail::Notify::kFailure));
  sent(deliver_to(mail::Notify::kNoneGiven));
  const auto request = deliver_to(mail::Notify::kSuccess);
  auto result = report(request, delivery::Status::sent, "2.0.0", "250 ok");
  result.outcomes[0].handover = delivery::Handover::passed_on;
  scheduler_->finished(std::move(result), now());
  EXPECT_TRUE(ports_.notices.empty());
  EXPECT_EQ(ports_.removed.size(), 3U);
}

TEST_F(SuccessNotices, FollowADelayNoticeWhereWanted) {
  settings_.delay_warning_time = std::chrono::hours{1};
  for (const bool wanted : {false, true}) {
    settings_.confirm_delay_cleared = wanted;
    restart();
    ports_ = {};
    const QueueId id = add({"a.example"});
    clock_.advance(std::chrono::hours{2});
    deferred(take());
    ASSERT_EQ(ports_.notices.size(), 1U);
    EXPECT_EQ(ports_.notices[0].kind, NoticeRequest::Kind::delay);
    advance(std::chrono::hours{3});
    answer_activations();
    sent(take());
    EXPECT_EQ(ports_.notices.size(), wanted ? 2U : 1U);
    if (!wanted) continue;
    EXPECT_EQ(ports_.notices[1].kind, NoticeRequest::Kind::delay_cleared);
    scheduler_->notified(id, true, now());
    EXPECT_FALSE(exists(id));
  }
}

}  // namespace
}  // namespace waypost::queue
