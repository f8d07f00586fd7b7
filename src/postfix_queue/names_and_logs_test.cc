#include <gtest/gtest.h>

#include "postfix_queue/dsn_text.h"
#include "postfix_queue/failure_log.h"
#include "postfix_queue/queue_name.h"

namespace waypost::postfix_queue {
namespace {

TEST(QueueName, ShortNamesAreIds) {
  const auto id = to_queue_id("B23C5606");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->text(), "B23C5606");
  EXPECT_EQ(short_name(0xB23C5, 0x606), "B23C5606");
  EXPECT_EQ(short_name(42, 0x1234), "0002A1234");
}

TEST(QueueName, LongNamesLoseTheirSeconds) {
  const auto id = to_queue_id("4jYBwW3XHRzcH");  // X is 28, H 15, R 23; c is 32
  ASSERT_TRUE(id);
  EXPECT_EQ(id->bits() >> 44, ((3U * 52 + 28) * 52 + 15) * 52 + 23);
  EXPECT_EQ(id->number(), 32U * 51 + 15);
}

TEST(QueueName, RefusesWhatIsNone) {
  for (const char* name :
       {"", "12345", "xyz", "FFFFF1", "4jYBwWz3X", "0000010000000000", "4jYBwW3XHRz", "4jYBwWzzzzz1"})
    EXPECT_FALSE(to_queue_id(name)) << name;
  EXPECT_TRUE(is_queue_name("B23C5606"));
  for (const char* name : {"", ".", "..", "123.456", "a/b", "a b"}) EXPECT_FALSE(is_queue_name(name)) << name;
  EXPECT_TRUE(is_queue_name(std::string(kMaxNameBytes, 'A')));
  EXPECT_FALSE(is_queue_name(std::string(kMaxNameBytes + 1, 'A')));
}

TEST(QueueName, HashedFolders) {
  EXPECT_EQ(hash_folder("B23C5606", 0), "");
  EXPECT_EQ(hash_folder("B23C5606", 1), "B/");
  EXPECT_EQ(hash_folder("B23C5606", 2), "B/2/");
  EXPECT_EQ(hash_folder("AB", 3), "A/B/_/");
  EXPECT_EQ(hash_folder("4jYBwW3XHRzcH", 1), hash_folder(to_queue_id("4jYBwW3XHRzcH")->text(), 1));
}

TEST(FailureLog, ReadsEntriesOfBothKinds) {
  const auto entries = parse_failure_log(
      "\n<old@b.example>: a reason of old\n\n"
      "\n<r@b.example>: connect "
      "failed\nrecipient=r@b.example\noffset=123\ndsn_orig_rcpt=rfc822;r@b.example\nstatus=4.4.1\n"
      "action=delayed\ndiag_type=smtp\ndiag_text=450 x = y\nreason=connect failed: a = b\n\n");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].recipient, "old@b.example");
  EXPECT_EQ(entries[0].reason, "a reason of old");
  EXPECT_EQ(entries[0].offset, 0U);
  EXPECT_EQ(entries[1].recipient, "r@b.example");
  EXPECT_EQ(entries[1].offset, 123U);
  EXPECT_EQ(entries[1].dsn, "4.4.1");
  EXPECT_EQ(entries[1].reason, "connect failed: a = b");
}

TEST(FailureLog, QuotedAddressesAreReadInTheirInternalForm) {
  const auto entries = parse_failure_log("\nrecipient=\"a b\"@c.example\nreason=x\n\nrecipient=<>\nreason=y\n");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].recipient, "a b@c.example");
  EXPECT_EQ(entries[1].recipient, "");
}

TEST(FailureLog, ReadsWhatItWrites) {
  const FailureEntry entry{"a b@c.example", 77, "4.7.1", "host said: 450 4.7.1 later"};
  const auto again = parse_failure_log(format_failure(entry));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].recipient, entry.recipient);
  EXPECT_EQ(again[0].offset, entry.offset);
  EXPECT_EQ(again[0].dsn, entry.dsn);
  EXPECT_EQ(again[0].reason, entry.reason);
}

TEST(FailureLog, IgnoresWhatIsNone) {
  EXPECT_TRUE(parse_failure_log("").empty());
  EXPECT_TRUE(parse_failure_log("\n\n\n").empty());
  EXPECT_TRUE(parse_failure_log("<unclosed\n\nno equals sign\n\nrecipient=a@b\n").empty());
}

TEST(DsnText, GoesBothWays) {
  EXPECT_EQ(encode_orcpt("rfc822;a+b@c.example"), "rfc822;a+2Bb@c.example");
  EXPECT_EQ(decode_orcpt("rfc822;a+2Bb@c.example"), "rfc822;a+b@c.example");
  EXPECT_EQ(decode_envid(encode_envid("x y+z=")), "x y+z=");
  EXPECT_EQ(decode_envid("+no"), "+no");
}

TEST(DsnText, HasAnAsciiFormForAddressesBeyondIt) {
  const std::string plain = "utf-8;\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\xa7+a b=\\@c.example";
  EXPECT_EQ(encode_orcpt(plain), "utf-8;\\x{E9}\\x{20AC}\\x{1F4E7}\\x{2B}a\\x{20}b\\x{3D}\\x{5C}@c.example");
  EXPECT_EQ(decode_orcpt(encode_orcpt(plain)), plain);
  EXPECT_EQ(encode_orcpt("utf-8;\xc3(\xff\xe2\x82"), "utf-8;\\x{FFFD}(\\x{FFFD}\\x{FFFD}\\x{FFFD}");
  EXPECT_EQ(decode_orcpt("utf-8;\\x{110000}\\x{\\x41"), "utf-8;\\x{110000}\\x{\\x41");
}

}  // namespace
}  // namespace waypost::postfix_queue
