#include "mail/header_scan.h"

#include <gtest/gtest.h>

namespace waypost::mail {
namespace {

constexpr std::string_view kMessage =
    "Received: from a by b;\r\n\tMon, 23 Nov 2026 16:48:05 +0000 (UTC)\r\n"
    "Received: from c by a\r\n"
    "From: A <a@example.com>\r\n"
    "message-ID :\r\n <x.1@example.com>  \r\n"
    "X-Long: 1\r\n"
    "Date: Mon, 23 Nov 2026 16:48:05 +0000\r\n"
    "\r\n"
    "To: is in the body\r\n";

void expect_scanned(const HeaderScan& scan) {
  EXPECT_TRUE(scan.ended());
  EXPECT_EQ(scan.hop_count(), 2U);
  EXPECT_EQ(scan.fields().size(), 6U);
  EXPECT_EQ(scan.message_id(), "<x.1@example.com>");
  EXPECT_TRUE(scan.has(HeaderName::from));
  EXPECT_TRUE(scan.has(HeaderName::date));
  EXPECT_TRUE(scan.has(HeaderName::message_id));
  EXPECT_FALSE(scan.has(HeaderName::to));
  EXPECT_FALSE(scan.is_resent());
  EXPECT_TRUE(scan.has_separator());
  EXPECT_EQ(kMessage.substr(scan.body_offset()), "To: is in the body\r\n");
  EXPECT_EQ(scan.body_offset() - scan.fields_end(), 2U);
  ASSERT_EQ(scan.fields().size(), 6U);
  const HeaderField& first = scan.fields()[0];
  EXPECT_EQ(kMessage.substr(first.offset, first.length),
            "Received: from a by b;\r\n\tMon, 23 Nov 2026 16:48:05 +0000 (UTC)\r\n");
  const HeaderField& id = scan.fields()[3];
  EXPECT_EQ(id.name, HeaderName::message_id);
  EXPECT_EQ(kMessage.substr(id.offset, id.name_length), "message-ID");
  EXPECT_EQ(kMessage.substr(id.offset, id.length), "message-ID :\r\n <x.1@example.com>  \r\n");
}

TEST(HeaderScan, FindsFieldsInOneChunk) {
  HeaderScan scan;
  EXPECT_TRUE(scan.feed(kMessage));
  expect_scanned(scan);
}

TEST(HeaderScan, FindsTheSameInChunksOfAnySize) {
  for (std::size_t size = 1; size < kMessage.size(); ++size) {
    HeaderScan scan;
    for (std::size_t at = 0; at < kMessage.size(); at += size) scan.feed(kMessage.substr(at, size));
    expect_scanned(scan);
  }
}

TEST(HeaderScan, EndsAtALineThatIsNoHeader) {
  HeaderScan scan;
  EXPECT_TRUE(scan.feed("Subject: x\r\nhello world\r\n\r\n"));
  EXPECT_FALSE(scan.has_separator());
  EXPECT_EQ(scan.body_offset(), 12U);
  EXPECT_EQ(scan.fields_end(), 12U);
  HeaderScan blank;
  EXPECT_TRUE(blank.feed(" folded without a field\r\n"));
  EXPECT_EQ(blank.body_offset(), 0U);
  HeaderScan strange;
  EXPECT_TRUE(strange.feed("two words: x\r\n"));
  EXPECT_EQ(strange.fields().size(), 0U);
}

TEST(HeaderScan, ManagesWithoutBody) {
  HeaderScan scan;
  EXPECT_FALSE(scan.feed("Subject: x\r\nMessage-Id: <1@x>"));
  scan.finish();
  EXPECT_TRUE(scan.ended());
  EXPECT_EQ(scan.message_id(), "<1@x>");
  EXPECT_EQ(scan.body_offset(), 29U);
  HeaderScan empty;
  empty.finish();
  EXPECT_EQ(empty.body_offset(), 0U);
  EXPECT_FALSE(empty.has_separator());
}

TEST(HeaderScan, KeepsTheFirstMessageIdOnly) {
  HeaderScan scan;
  scan.feed("Message-Id: <1@x>\r\nMessage-Id: <2@x>\r\nResent-Message-Id: <3@x>\r\n\r\n");
  EXPECT_EQ(scan.message_id(), "<1@x>");
  EXPECT_EQ(scan.resent_message_id(), "<3@x>");
  EXPECT_TRUE(scan.is_resent());
}

TEST(HeaderScan, StaysBoundedOnAnEndlessLine) {
  HeaderScan scan;
  scan.feed("Message-Id: <");
  for (int i = 0; i < 1000; ++i) scan.feed(std::string(1000, 'x'));
  scan.feed("\r\nTo: a\r\n\r\n");
  EXPECT_LE(scan.message_id().size(), kMaxMessageIdLength);
  EXPECT_TRUE(scan.has(HeaderName::to));
  EXPECT_EQ(scan.fields()[0].length, 1'000'015U);
}

TEST(HeaderScan, EndsAHeaderSectionThatIsBeyondMeasure) {
  HeaderScan many;
  for (std::size_t i = 0; i <= kMaxHeaderFields; ++i) many.feed("X:\n");
  EXPECT_TRUE(many.ended());
  EXPECT_EQ(many.fields().size(), kMaxHeaderFields);
  EXPECT_EQ(many.body_offset(), kMaxHeaderFields * 3);
  EXPECT_FALSE(many.has_separator());

  const std::string piece(1U << 20U, 'x');
  HeaderScan endless;
  endless.feed("To: a\nX: ");
  for (std::uint64_t fed = 0; fed <= kMaxHeaderSection; fed += piece.size()) endless.feed(piece);
  EXPECT_TRUE(endless.ended());
  EXPECT_EQ(endless.body_offset(), 6U);

  HeaderScan folded;
  folded.feed("To: a\n");
  for (std::uint64_t fed = 0; fed <= kMaxHeaderSection; fed += piece.size()) folded.feed(' ' + piece + '\n');
  EXPECT_TRUE(folded.ended());
  EXPECT_EQ(folded.fields().size(), 1U);
}

TEST(HeaderScan, StartsAfresh) {
  HeaderScan scan;
  scan.feed(kMessage);
  scan.reset();
  EXPECT_FALSE(scan.ended());
  EXPECT_TRUE(scan.feed(kMessage));
  expect_scanned(scan);
}

}  // namespace
}  // namespace waypost::mail
