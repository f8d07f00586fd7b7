#include "events/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace waypost::events {
namespace {

using std::chrono::microseconds;
using testing::ElementsAre;

const QueueId kId = *QueueId::parse("B23C5606");

class EventsTest : public testing::Test {
 protected:
  CapturingLog sink_;
  Log qmgr_{sink_, "postfix/qmgr", 7};
  Log smtp_{sink_, "postfix/smtp", 8};
  std::string line() const { return sink_.lines().back(); }
};

TEST_F(EventsTest, QueueManagerLines) {
  active(qmgr_, kId, "a@example.com", 10240, 3);
  removed(qmgr_, kId);
  expired(qmgr_, kId, "", false);
  expired(qmgr_, kId, "a@example.com", true);
  EXPECT_THAT(sink_.lines(),
              ElementsAre("postfix/qmgr: B23C5606: from=<a@example.com>, size=10240, nrcpt=3 (queue active)",
                          "postfix/qmgr: B23C5606: removed",
                          "postfix/qmgr: B23C5606: from=<>, status=expired, returned to sender",
                          "postfix/qmgr: B23C5606: from=<a@example.com>, status=force-expired, returned to sender"));
}

TEST_F(EventsTest, CleanupPickupAndBounceLines) {
  message_id(qmgr_, kId, "<1@example.com>");
  message_id(qmgr_, kId, "");
  picked_up(qmgr_, kId, 1000, "root");
  picked_up(qmgr_, kId, 107, "a@b.example", "4D2C5601");
  notice_sent(qmgr_, kId, Notice::sender_failure, *QueueId::parse("000ABC1"));
  notice_sent(qmgr_, kId, Notice::sender_delay, *QueueId::parse("000ABC1"));
  EXPECT_THAT(sink_.lines(),
              ElementsAre("postfix/qmgr: B23C5606: message-id=<1@example.com>", "postfix/qmgr: B23C5606: message-id=<>",
                          "postfix/qmgr: B23C5606: uid=1000 from=<root>",
                          "postfix/qmgr: B23C5606: uid=107 from=<a@b.example> orig_id=4D2C5601",
                          "postfix/qmgr: B23C5606: sender non-delivery notification: 000ABC1",
                          "postfix/qmgr: B23C5606: sender delay notification: 000ABC1"));
}

TEST_F(EventsTest, AddressesWithTheirQuotesOrWithout) {
  EXPECT_EQ(log_address("odd name@example.com"), "\"odd name\"@example.com");
  log_internal_addresses(true);
  EXPECT_EQ(log_address("odd name@example.com"), "odd name@example.com");
  log_internal_addresses(false);
}

TEST_F(EventsTest, DeliveryLine) {
  const mail::Recipient recipient{.address = "r@example.net", .original = "R@EXAMPLE.net"};
  const WallTime t0{std::chrono::seconds{1'000}};
  Delivery event{.id = kId,
                 .recipient = &recipient,
                 .relay = "mx.example.net[192.0.2.1]:25",
                 .times = {.arrival = t0,
                           .active = t0 + microseconds{52'000},
                           .started = t0 + microseconds{60'000},
                           .connected = t0 + microseconds{1'360'000},
                           .done = t0 + microseconds{2'110'000}},
                 .dsn = "2.0.0",
                 .status = "sent",
                 .text = "250 2.0.0 Ok: queued as X"};
  delivery(smtp_, event);
  EXPECT_EQ(line(),
            "postfix/smtp: B23C5606: to=<r@example.net>, relay=mx.example.net[192.0.2.1]:25, delay=2.1, "
            "delays=0.05/0.01/1.3/0.75, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as X)");
}

TEST_F(EventsTest, DeliveryLineWithEverything) {
  const mail::Recipient recipient{.address = "two words@example.net", .original = "list@example.org"};
  const WallTime t0{std::chrono::seconds{1'000}};
  delivery(smtp_, {.id = kId,
                   .recipient = &recipient,
                   .connection_use = 3,
                   .times = {.arrival = t0, .active = t0, .started = t0, .done = t0 + std::chrono::seconds{421}},
                   .dsn = "4.4.1",
                   .status = "deferred",
                   .text = "connect to x[192.0.2.1]:25: Connection refused"});
  EXPECT_EQ(
      line(),
      "postfix/smtp: B23C5606: to=<\"two words\"@example.net>, orig_to=<list@example.org>, relay=none, conn_use=3, "
      "delay=421, delays=0/0/0/421, dsn=4.4.1, status=deferred (connect to x[192.0.2.1]:25: Connection refused)");
}

TEST(Delay, HasTwoSignificantDigits) {
  const auto text = [](std::int64_t us, int decimals) {
    fmt::memory_buffer out;
    append_delay(out, microseconds{us}, decimals);
    return fmt::to_string(out);
  };
  struct Case {
    std::int64_t us;
    int decimals;
    std::string_view text;
  };
  for (const Case& c : {Case{1'110'000'000, 6, "1110"},
                        {111'000'000, 6, "111"},
                        {11'100'000, 6, "11"},
                        {1'110'000, 6, "1.1"},
                        {111'000, 6, "0.11"},
                        {11'100, 6, "0.011"},
                        {111, 6, "0.00011"},
                        {1, 6, "0.000001"},
                        {1'000'000, 6, "1"},
                        {100'000, 6, "0.1"},
                        {0, 2, "0"},
                        {4'999, 2, "0"},
                        {5'000, 2, "0.01"},
                        {123'456, 2, "0.12"},
                        {2'100'000, 2, "2.1"},
                        {9'960'000, 2, "10"},
                        {99'600'000, 2, "100"},
                        {996'000, 2, "1"},
                        {421'000'000, 2, "421"},
                        {-5, 2, "0"},
                        {1'234'567, 0, "1"},
                        {1'500'000, 0, "2"}}) {
    EXPECT_EQ(text(c.us, c.decimals), c.text) << c.us;
  }
}

TEST(Delay, TimeBelongsToTheStepThatWasReached) {
  const WallTime t0{std::chrono::seconds{1'000}};
  const auto text = [&](const DeliveryTimes& times) {
    fmt::memory_buffer out;
    append_delays(out, times);
    return fmt::to_string(out);
  };
  EXPECT_EQ(text({.arrival = t0, .done = t0 + std::chrono::seconds{3}}), "delay=3, delays=3/0/0/0");
  EXPECT_EQ(text({.arrival = t0, .active = t0 + std::chrono::seconds{1}, .done = t0 + std::chrono::seconds{3}}),
            "delay=3, delays=1/2/0/0");
}

TEST(LogAddress, QuotesWhereRfc5321Demands) {
  EXPECT_EQ(log_address(""), "");
  EXPECT_EQ(log_address("a.b+c@example.com"), "a.b+c@example.com");
  EXPECT_EQ(log_address("a..b@example.com"), "\"a..b\"@example.com");
  EXPECT_EQ(log_address("say \"hi\"@example.com"), "\"say \\\"hi\\\"\"@example.com");
  EXPECT_EQ(log_address("postmaster"), "postmaster");
}

}  // namespace
}  // namespace waypost::events
