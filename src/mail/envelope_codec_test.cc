#include "mail/envelope_codec.h"

#include <gtest/gtest.h>

namespace waypost::mail {
namespace {

Envelope full_envelope() {
  Envelope envelope;
  envelope.id = QueueId(123'456, 789);
  envelope.arrival = WallTime{Duration{1'700'000'000'123'456}};
  envelope.sender = "sender@example.com";
  envelope.client_name = "client.example.com";
  envelope.client_address = "2001:db8::1";
  envelope.helo = "helo.example.com";
  envelope.protocol = "ESMTPSA";
  envelope.sasl_method = "PLAIN";
  envelope.sasl_username = "user";
  envelope.dsn_envid = "envid+20x";
  envelope.dsn_return = DsnReturn::headers;
  envelope.encoding = BodyEncoding::eight_bit_mime;
  envelope.smtputf8 = true;
  envelope.recipients = {{"to@example.net", "alias@example.net", "rfc822;alias@example.net", Notify::kNever},
                         {"other@example.net", "", "", Notify::kSuccess | Notify::kDelay}};
  return envelope;
}

Progress full_progress() {
  Progress progress;
  progress.next_attempt = WallTime{Duration{-5}};
  progress.attempts = 7;
  progress.held = true;
  progress.force_expire = true;
  progress.recipients = {{RecipientState::sent, "2.0.0", "250 ok"}, {RecipientState::pending, "4.4.1", "timed out"}};
  return progress;
}

TEST(EnvelopeCodec, KeepsEveryField) {
  const std::string bytes = encode(full_envelope());
  const auto envelope = decode_envelope(bytes);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->id, QueueId(123'456, 789));
  EXPECT_EQ(envelope->arrival, full_envelope().arrival);
  EXPECT_EQ(envelope->client_address, "2001:db8::1");
  EXPECT_EQ(envelope->sasl_username, "user");
  EXPECT_EQ(envelope->dsn_return, DsnReturn::headers);
  EXPECT_TRUE(envelope->smtputf8);
  ASSERT_EQ(envelope->recipients.size(), 2U);
  EXPECT_EQ(envelope->recipients[0].dsn_orcpt, "rfc822;alias@example.net");
  EXPECT_EQ(envelope->recipients[1].notify, Notify::kSuccess | Notify::kDelay);
  EXPECT_EQ(encode(*envelope), bytes);
}

TEST(EnvelopeCodec, KeepsTheDeliveryState) {
  const std::string bytes = encode(full_progress());
  const auto progress = decode_progress(bytes);
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->next_attempt, WallTime{Duration{-5}});
  EXPECT_EQ(progress->attempts, 7U);
  EXPECT_TRUE(progress->held);
  EXPECT_FALSE(progress->delay_notified);
  EXPECT_EQ(progress->recipients[1].reason, "timed out");
  EXPECT_EQ(encode(*progress), bytes);
}

TEST(EnvelopeCodec, RefusesEveryTruncation) {
  const std::string envelope = encode(full_envelope());
  for (std::size_t size = 0; size < envelope.size(); ++size)
    EXPECT_EQ(decode_envelope(envelope.substr(0, size)).error().code, Errc::corrupt) << size;
  const std::string progress = encode(full_progress());
  for (std::size_t size = 0; size < progress.size(); ++size)
    EXPECT_EQ(decode_progress(progress.substr(0, size)).error().code, Errc::corrupt) << size;
}

TEST(EnvelopeCodec, RefusesBytesLeftOver) {
  EXPECT_FALSE(decode_envelope(encode(full_envelope()) + '\0'));
  EXPECT_FALSE(decode_progress(encode(full_progress()) + '\0'));
}

TEST(EnvelopeCodec, RefusesAVersionFromTheFuture) {
  std::string bytes = encode(full_envelope());
  bytes[0] = 2;
  EXPECT_FALSE(decode_envelope(bytes));
}

TEST(EnvelopeCodec, CutsAStringAtItsLimitAndStillDecodes) {
  for (const std::size_t size : {kMaxEncodedString, kMaxEncodedString + 1}) {
    Envelope envelope;
    envelope.sender = std::string(size, 'a');
    const auto decoded = decode_envelope(encode(envelope));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->sender.size(), kMaxEncodedString);
  }
}

TEST(EnvelopeCodec, VarintsHaveOneEncodingEach) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, UINT64_MAX}) {
    std::string bytes;
    put_varint(bytes, value);
    std::string_view rest = bytes;
    EXPECT_EQ(take_varint(rest), value);
    EXPECT_TRUE(rest.empty());
  }
  for (const std::string_view bad : {std::string_view("\x80\x00", 2), std::string_view("\x80"), std::string_view(),
                                     std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")}) {
    std::string_view rest = bad;
    EXPECT_FALSE(take_varint(rest));
  }
}

}  // namespace
}  // namespace waypost::mail
