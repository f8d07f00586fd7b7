#include <algorithm>
#include <set>

#include "queue/scheduler_fixture.h"

namespace waypost::queue {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

using LanesTest = SchedulerFixture;

TEST_F(LanesTest, TheWindowOpensWithSuccess) {
  for (int i = 0; i < 40; ++i) add({"example.com"});
  EXPECT_EQ(ports_.deliveries.size(), 5U);
  sent(take());
  EXPECT_EQ(ports_.deliveries.size(), 6U);  // one ended, window 6
  while (ports_.deliveries.size() < 20) sent(take());
  sent(take());
  EXPECT_EQ(ports_.deliveries.size(), 20U);
}

TEST_F(LanesTest, WaitingMessagesSayWhy) {
  settings_.transports["smtp"].process_limit = 6;
  restart();
  std::vector<QueueId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(add({"a.example"}));
  EXPECT_EQ(reason(ids[5]), Reason::window_full);
  EXPECT_EQ(scheduler_->describe(ids[5])->lane, "smtp:a.example");
  ids.push_back(add({"b.example"}));
  ids.push_back(add({"c.example"}));
  EXPECT_EQ(reason(ids[6]), Reason::none);
  EXPECT_EQ(reason(ids[7]), Reason::process_limit);
}

TEST_F(LanesTest, ADeadDestinationDefersAllItsMail) {
  std::vector<QueueId> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(add({"dead.example"}));
  const QueueId other = add({"alive.example"});
  for (int i = 0; i < 4; ++i) site_failed(take());
  EXPECT_EQ(scheduler_->counts().dead_lanes, 1U);
  EXPECT_EQ(reason(ids[9]), Reason::dead_destination);
  EXPECT_EQ(ports_.stored[ids[9]].recipients[0].reason,
            "delivery temporarily suspended: connect to x: Connection refused");
  EXPECT_TRUE(log_.contains("postfix/error: " + ids[9].text() +
                            ": to=<user0@dead.example>, relay=none, delay=0, delays=0/0/0/0, dsn=4.4.1, "
                            "status=deferred (delivery temporarily suspended: connect to x: Connection refused)"));
  EXPECT_EQ(reason(other), Reason::none);
  const QueueId late = add({"dead.example"});
  EXPECT_EQ(reason(late), Reason::dead_destination);
  EXPECT_EQ(ports_.deliveries.size(), 2U);  // the fifth of dead.example, and alive.example
}

TEST_F(LanesTest, ADeadDestinationGetsAnotherChance) {
  add({"dead.example"});
  for (int i = 0; i < 4; ++i) add({"dead.example"});
  for (int i = 0; i < 5; ++i) site_failed(take());
  EXPECT_EQ(scheduler_->counts().dead_lanes, 1U);
  advance(seconds{299});
  add({"dead.example"});
  EXPECT_TRUE(ports_.deliveries.empty());
  advance(seconds{1});
  EXPECT_EQ(scheduler_->counts().dead_lanes, 0U);
  add({"dead.example"});
  EXPECT_EQ(ports_.deliveries.size(), 1U);
}

TEST_F(LanesTest, ASuccessUnderWayRevivesTheDestination) {
  for (int i = 0; i < 5; ++i) add({"flaky.example"});
  for (int i = 0; i < 4; ++i) site_failed(take());
  EXPECT_EQ(scheduler_->counts().dead_lanes, 1U);
  sent(take());
  EXPECT_EQ(scheduler_->counts().dead_lanes, 0U);
  EXPECT_EQ(scheduler_->counts().lanes, 0U);
}

TEST_F(LanesTest, TroubleWithAMessageIsNotTroubleWithTheSite) {
  for (int i = 0; i < 30; ++i) add({"example.com"});
  for (int i = 0; i < 30; ++i) deferred(take());
  EXPECT_EQ(scheduler_->counts().dead_lanes, 0U);
}

TEST_F(LanesTest, MessagesTakeTurnsWithinALane) {
  settings_.transports["smtp"].initial_destination_concurrency = 1;
  settings_.transports["smtp"].destination_concurrency_limit = 1;
  settings_.transports["smtp"].destination_recipient_limit = 2;
  restart();
  const QueueId large = add(std::vector<std::string>(6, "example.com"));
  const QueueId small = add({"example.com"});
  std::vector<QueueId> order;
  while (!ports_.deliveries.empty()) {
    const auto request = take();
    order.push_back(request.envelope->id);
    sent(request);
  }
  EXPECT_THAT(order, ElementsAre(large, large, small, large));
}

TEST_F(LanesTest, LanesTakeTurnsWithinATransport) {
  settings_.transports["smtp"].process_limit = 1;
  restart();
  for (int i = 0; i < 4; ++i) add({"busy.example"});
  for (int i = 0; i < 2; ++i) add({"quiet.example"});
  std::vector<std::string> order;
  while (!ports_.deliveries.empty()) {
    const auto request = take();
    order.push_back(request.nexthop);
    sent(request);
  }
  EXPECT_THAT(order, ElementsAre("busy.example", "busy.example", "quiet.example", "busy.example", "quiet.example",
                                 "busy.example"));
}

TEST_F(LanesTest, RateDelayLetsMailTrickle) {
  settings_.transports["smtp"].destination_rate_delay = seconds{2};
  restart();
  const QueueId a = add({"slow.example"});
  const QueueId b = add({"slow.example"});
  EXPECT_EQ(ports_.deliveries.size(), 1U);
  EXPECT_EQ(reason(b), Reason::window_full);
  sent(take());
  EXPECT_TRUE(ports_.deliveries.empty());
  EXPECT_EQ(reason(b), Reason::rate_delay);
  EXPECT_EQ(scheduler_->next_wake(now()), Duration{seconds{2}});
  advance(seconds{2});
  EXPECT_EQ(ports_.deliveries.size(), 1U);
  EXPECT_FALSE(exists(a));
}

TEST_F(LanesTest, TransportRateDelaySpansDestinations) {
  settings_.transports["smtp"].transport_rate_delay = seconds{1};
  restart();
  add({"a.example"});
  const QueueId b = add({"b.example"});
  advance(seconds{1});
  EXPECT_EQ(ports_.deliveries.size(), 1U);  // the pause begins when the delivery ends
  EXPECT_EQ(reason(b), Reason::process_limit);
  sent(take());
  EXPECT_TRUE(ports_.deliveries.empty());
  EXPECT_EQ(reason(b), Reason::rate_delay);
  advance(seconds{1});
  EXPECT_EQ(ports_.deliveries.size(), 1U);
}

TEST_F(LanesTest, TheWindowNeverBeginsAboveTheLimit) {
  settings_.transports["smtp"].destination_concurrency_limit = 2;  // and 5 to begin with
  restart();
  for (int i = 0; i < 6; ++i) add({"example.com"});
  EXPECT_EQ(ports_.deliveries.size(), 2U);
  for (int i = 0; i < 4; ++i) sent(take());
  EXPECT_EQ(ports_.deliveries.size(), 2U);
}

TEST_F(LanesTest, OneRecipientPerDeliveryMeansALanePerRecipient) {
  settings_.recipient_delimiter = "+";
  settings_.transports["local"].destination_recipient_limit = 1;
  settings_.transports["local"].initial_destination_concurrency = 1;
  settings_.transports["local"].destination_concurrency_limit = 1;
  restart();
  Arrival arrival = message({"x.example", "x.example", "x.example"});
  auto envelope = std::make_shared<mail::Envelope>(*arrival.envelope);
  envelope->recipients[0].address = "joe+a@x.example";
  envelope->recipients[1].address = "JOE@x.example";
  envelope->recipients[2].address = "ann@x.example";
  arrival.envelope = envelope;
  for (auto& r : arrival.recipients) r.transport = "local";
  scheduler_->add(std::move(arrival), now());
  ASSERT_EQ(ports_.deliveries.size(), 2U);
  EXPECT_THAT(ports_.deliveries[0].recipients, ElementsAre(0));
  EXPECT_EQ(ports_.deliveries[0].nexthop, "x.example");
  EXPECT_THAT(ports_.deliveries[1].recipients, ElementsAre(2));
  sent(take());
  EXPECT_THAT(ports_.deliveries.back().recipients, ElementsAre(1));
}

TEST_F(LanesTest, AConnectionIsOfferedToTheNextDelivery) {
  settings_.transports["smtp"].initial_destination_concurrency = 1;
  settings_.transports["smtp"].destination_concurrency_limit = 1;
  restart();
  add({"example.com"});
  add({"example.com"});
  add({"example.com"});
  const auto first = take();
  EXPECT_EQ(first.affinity, delivery::Request::kNoAffinity);
  EXPECT_FALSE(first.more_waiting);  // nothing waited when it was handed out
  delivery::Report done = report(first, delivery::Status::sent, "2.0.0", "ok");
  done.affinity = 3;
  scheduler_->finished(std::move(done), now());
  const auto second = take();
  EXPECT_EQ(second.affinity, 3U);
  EXPECT_TRUE(second.more_waiting);
  sent(second);
  EXPECT_EQ(take().affinity, delivery::Request::kNoAffinity);
}

TEST_F(LanesTest, DeferTransportsWaitForAFlush) {
  settings_.defer_transports = {"smtp"};
  restart();
  const QueueId id = add({"example.com"});
  EXPECT_TRUE(ports_.deliveries.empty());
  EXPECT_TRUE(log_.contains("dsn=4.3.2, status=deferred (deferred transport)"));
  EXPECT_EQ(scheduler_->command(Action::flush, id, now()), Answer::done);
  answer_activations();
  EXPECT_EQ(ports_.deliveries.size(), 1U);
}

TEST_F(LanesTest, NewSettingsTakeEffectAtOnce) {
  for (int i = 0; i < 12; ++i) add({"example.com"});
  settings_.transports["smtp"].process_limit = 2;
  scheduler_->reconfigure(std::make_shared<const Settings>(settings_));
  for (int i = 0; i < 3; ++i) sent(take());
  EXPECT_EQ(ports_.deliveries.size(), 2U);
  sent(take());
  EXPECT_EQ(ports_.deliveries.size(), 2U);
}

TEST_F(LanesTest, FiftyThousandLanesComeAndGo) {
  settings_.active_limit = 100'000;
  settings_.transports["smtp"].process_limit = 0;
  restart();
  for (int i = 0; i < 50'000; ++i) add({"d" + std::to_string(i) + ".example"});
  EXPECT_EQ(scheduler_->counts().lanes, 50'000U);
  while (!ports_.deliveries.empty()) sent(take());
  EXPECT_EQ(scheduler_->counts().lanes, 0U);
  EXPECT_EQ(ports_.removed.size(), 50'000U);
}

}  // namespace
}  // namespace waypost::queue
