#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/discard_agent.h"
#include "delivery/error_agent.h"

namespace waypost::delivery {
namespace {

class SmallAgentsTest : public testing::Test {
 protected:
  Report run(Agent& agent, std::string nexthop) {
    auto envelope = std::make_shared<mail::Envelope>();
    envelope->id = *QueueId::parse("B23C5606");
    envelope->arrival = clock_.wall();
    envelope->recipients = {{.address = "a@example.com"}, {.address = "b@example.com"}, {.address = "c@example.com"}};
    Request request{.serial = 9, .nexthop = std::move(nexthop), .envelope = envelope, .recipients = {0, 2}};
    request.active_since = request.started = clock_.wall();
    Report got;
    agent.deliver(std::move(request), [&](Report report) { got = std::move(report); });
    EXPECT_EQ(got.serial, 9U);
    EXPECT_EQ(got.outcomes.size(), 2U);
    EXPECT_EQ(got.health, LaneHealth::alive);
    return got;
  }

  CapturingLog sink_;
  ManualClock clock_;
  Log log_{sink_, "postfix/error", 5};
};

TEST_F(SmallAgentsTest, ErrorBouncesWithItsText) {
  ErrorAgent agent(ErrorAgent::Kind::error, log_, clock_);
  const Report report = run(agent, "5.1.1 User unknown");
  EXPECT_EQ(report.outcomes[1].recipient, 2U);
  EXPECT_EQ(report.outcomes[1].status, Status::bounced);
  EXPECT_EQ(report.outcomes[1].dsn, "5.1.1");
  EXPECT_EQ(report.outcomes[1].text, "User unknown");
  EXPECT_THAT(sink_.lines(),
              testing::ElementsAre("postfix/error: B23C5606: to=<a@example.com>, relay=none, delay=0, delays=0/0/0/0, "
                                   "dsn=5.1.1, status=bounced (User unknown)",
                                   "postfix/error: B23C5606: to=<c@example.com>, relay=none, delay=0, delays=0/0/0/0, "
                                   "dsn=5.1.1, status=bounced (User unknown)"));
}

TEST_F(SmallAgentsTest, ErrorHasACodeOfItsOwn) {
  ErrorAgent agent(ErrorAgent::Kind::error, log_, clock_);
  EXPECT_EQ(run(agent, "local delivery disabled").outcomes[0].dsn, "5.0.0");
  EXPECT_EQ(run(agent, "4.1.1 temporary code in a permanent place").outcomes[0].dsn, "5.0.0");
}

TEST_F(SmallAgentsTest, ErrorDefersUnderSoftBounce) {
  ErrorAgent agent(ErrorAgent::Kind::error, log_, clock_, true);
  const Report report = run(agent, "5.1.1 User unknown");
  EXPECT_EQ(report.outcomes[0].status, Status::deferred);
  EXPECT_EQ(report.outcomes[0].dsn, "4.1.1");
  EXPECT_TRUE(sink_.contains("dsn=4.1.1, status=SOFTBOUNCE (User unknown)"));
}

TEST_F(SmallAgentsTest, RetryDefersWithItsText) {
  ErrorAgent agent(ErrorAgent::Kind::retry, log_, clock_);
  const Report report = run(agent, "4.3.2 deferred transport");
  EXPECT_EQ(report.outcomes[0].status, Status::deferred);
  EXPECT_EQ(report.outcomes[0].dsn, "4.3.2");
  EXPECT_TRUE(sink_.contains("dsn=4.3.2, status=deferred (deferred transport)"));
  EXPECT_EQ(run(agent, "later").outcomes[0].dsn, "4.0.0");
}

TEST_F(SmallAgentsTest, UnknownTransportDefers) {
  ErrorAgent agent(ErrorAgent::Kind::unavailable, log_, clock_);
  EXPECT_EQ(run(agent, "example.com").outcomes[0].status, Status::deferred);
  EXPECT_TRUE(
      sink_.contains("postfix/error: B23C5606: to=<a@example.com>, relay=none, delay=0, delays=0/0/0/0, "
                     "dsn=4.3.0, status=deferred (mail transport unavailable)"));
}

TEST_F(SmallAgentsTest, DiscardDeliversIntoNothing) {
  DiscardAgent agent(log_.with("postfix/discard", 6), clock_);
  EXPECT_EQ(run(agent, "not wanted").outcomes[0].status, Status::sent);
  EXPECT_TRUE(
      sink_.contains("postfix/discard: B23C5606: to=<c@example.com>, relay=none, delay=0, delays=0/0/0/0, "
                     "dsn=2.0.0, status=sent (not wanted)"));
}

}  // namespace
}  // namespace waypost::delivery
