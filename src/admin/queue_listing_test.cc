#include "admin/queue_listing.h"

#include <stdlib.h>
#include <time.h>

#include <gtest/gtest.h>

namespace waypost::admin {
namespace {

ListedMessage sample() {
  return {"deferred",
          "B23C5606",
          1795452485,
          2048,
          false,
          "app@example.com",
          {{"a@example.net", "connect to mx.example.net[192.0.2.1]:25: Connection refused"},
           {"b@example.net", "connect to mx.example.net[192.0.2.1]:25: Connection refused"}}};
}

TEST(QueueListing, WritesTheLineThatItReads) {
  auto message = sample();
  message.recipients[1].address = "\"odd\\\"\"@example.net";
  const auto line = format_listing_line(message);
  EXPECT_TRUE(line.starts_with(
      R"({"queue_name": "deferred", "queue_id": "B23C5606", "arrival_time": 1795452485, "message_size": 2048, )"));
  const auto parsed = parse_listing_line(line);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(format_listing_line(*parsed), line);
}

TEST(QueueListing, PrintsThePostfixTable) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  auto held = sample();
  held.queue_name = "hold";
  held.queue_id = "1E2401000";
  held.recipients = {{"c@example.net", ""}};
  EXPECT_EQ(format_mailq({sample(), held}),
            "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
            "B23C5606       2048 Mon Nov 23 16:48:05  app@example.com\n"
            "                 (connect to mx.example.net[192.0.2.1]:25: Connection refused)\n"
            "                                         a@example.net\n"
            "                                         b@example.net\n"
            "\n"
            "1E2401000!     2048 Mon Nov 23 16:48:05  app@example.com\n"
            "                                         c@example.net\n"
            "\n"
            "-- 4 Kbytes in 2 Requests.\n");
}

TEST(QueueListing, HasWiderColumnsForLongIds) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  auto message = sample();
  message.queue_id = "4SVLCh0sf8z10";
  message.recipients = {{"c@example.net", ""}};
  EXPECT_EQ(format_mailq({message}, true),
            "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
            "4SVLCh0sf8z10         2048 Mon Nov 23 16:48:05 app@example.com\n"
            "                                               c@example.net\n"
            "\n"
            "-- 2 Kbytes in 1 Request.\n");
}

TEST(QueueListing, SaysSoWhenEmpty) { EXPECT_EQ(format_mailq({}), "Mail queue is empty\n"); }

TEST(QueueListing, RefusesWhatIsNotAListing) {
  for (const char* bad : {"", "[]", "{}", "{\"queue_id\": 5}", "garbage"}) EXPECT_FALSE(parse_listing_line(bad)) << bad;
}

}  // namespace
}  // namespace waypost::admin
