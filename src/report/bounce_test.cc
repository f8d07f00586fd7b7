#include "report/bounce.h"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace waypost::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kOriginal =
    "Received: by relay.example.com (Postfix)\r\n\tid B23C5606; Mon, 23 Nov 2026 16:48:05 +0000 (UTC)\r\n"
    "Message-Id: <1@example.org>\r\n"
    "Subject: hello\r\n"
    "\r\n"
    "How are you?\r\n";

class BounceTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC0", 1);
    tzset();
    envelope_.id = *QueueId::parse("B23C5606");
    envelope_.arrival = WallTime{std::chrono::seconds{1795452485}};
    envelope_.sender = "sender@example.org";
    envelope_.recipients = {{.address = "gone@example.net"},
                            {.address = "two words@example.net", .original = "list@example.com"},
                            {.address = "quiet@example.net", .notify = mail::Notify::kNever},
                            {.address = "asked@example.net",
                             .dsn_orcpt = "rfc822;first+2Blast@example.com",
                             .notify = mail::Notify::kSuccess | mail::Notify::kFailure}};
    settings_.hostname = "relay.example.com";
  }

  std::optional<ComposedNotice> make(Kind kind) {
    const Original original{.envelope = &envelope_, .size = content_.size(), .read = [this](auto offset, auto limit) {
                              return readable_ ? std::optional(content_.substr(offset, limit)) : std::nullopt;
                            }};
    return compose(kind, original, reports_, settings_, envelope_.arrival + std::chrono::seconds{10});
  }

  // Kept with LF line ends, so that the files stay readable.
  static std::string golden(const std::string& name) {
    std::ifstream in("src/report/testdata/" + name);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    std::string out;
    for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
    return out;
  }

  mail::Envelope envelope_;
  Settings settings_;
  std::string content_{kOriginal};
  bool readable_ = true;
  std::vector<RecipientReport> reports_{
      {.recipient = 0,
       .dsn = "5.1.1",
       .reason = "host mx.example.net[192.0.2.1] said: 550 5.1.1 <gone@example.net>: Recipient address rejected: User "
                 "unknown (in reply to RCPT TO command)",
       .remote_mta = "mx.example.net",
       .remote_reply = "550 5.1.1 <gone@example.net>: Recipient address rejected: User unknown"},
      {.recipient = 1, .dsn = "4.4.1", .reason = "connect to mx.example.net[192.0.2.1]:25: Connection refused"},
      {.recipient = 2, .dsn = "5.0.0", .reason = "nobody wants to know"},
      {.recipient = 3, .dsn = "5.7.1", .reason = "not allowed"}};
};

TEST_F(BounceTest, FailureReadsAsTheGoldenFile) {
  const auto notice = make(Kind::failure);
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->sender, "");
  EXPECT_EQ(notice->recipient, "sender@example.org");
  EXPECT_EQ(notice->content, golden("failure.eml"));
}

TEST_F(BounceTest, DelayReadsAsTheGoldenFile) {
  settings_.delay_warning_time = std::chrono::hours{4};
  const auto notice = make(Kind::delay);
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->content, golden("delay.eml"));
}

TEST_F(BounceTest, SuccessGoesToThoseWhoAsked) {
  reports_ = {{.recipient = 0, .dsn = "2.0.0", .reason = "250 ok"},
              {.recipient = 3, .dsn = "2.0.0", .reason = "delivery via mx: 250 ok", .delivered = true}};
  const auto notice = make(Kind::success);
  ASSERT_TRUE(notice);
  EXPECT_THAT(notice->content, HasSubstr("Subject: Successful Mail Delivery Report\r\n"));
  EXPECT_THAT(notice->content, HasSubstr("Final-Recipient: rfc822; asked@example.net\r\n"));
  EXPECT_THAT(notice->content, HasSubstr("Action: delivered\r\n"));
  EXPECT_THAT(notice->content, Not(HasSubstr("gone@example.net")));
  EXPECT_THAT(notice->content, HasSubstr("Content-Description: Message Headers\r\n"));
}

TEST_F(BounceTest, WhatAnotherSystemTookIsOnlyRelayed) {
  reports_ = {{.recipient = 3, .dsn = "2.0.0", .reason = "250 ok"}};
  const auto notice = make(Kind::success);
  ASSERT_TRUE(notice);
  EXPECT_THAT(notice->content, HasSubstr("Action: relayed\r\n"));
  // Who asked for nothing gets this only after a delay notice.
  reports_ = {{.recipient = 0, .dsn = "2.0.0", .reason = "250 ok"}};
  EXPECT_FALSE(make(Kind::success));
  EXPECT_TRUE(make(Kind::delay_cleared));
}

TEST_F(BounceTest, PostmasterGetsOnlyTheClassesThatAreAskedFor) {
  EXPECT_FALSE(make(Kind::postmaster_failure));
  EXPECT_FALSE(make(Kind::postmaster_delay));
  settings_.copy_failures = settings_.copy_delays = true;
  settings_.bounce_notice_recipient = "bounces@example.com";
  ASSERT_TRUE(make(Kind::postmaster_failure));
  EXPECT_EQ(make(Kind::postmaster_failure)->recipient, "bounces@example.com");
  EXPECT_THAT(make(Kind::postmaster_delay)->content, HasSubstr("Subject: Postmaster Warning: Delayed Mail\r\n"));
  envelope_.sender = "";
  EXPECT_FALSE(make(Kind::postmaster_failure));  // 2bounce is a class of its own
}

TEST_F(BounceTest, NoticesForThePostmasterAreNotReportedAgain) {
  settings_.copy_failures = settings_.report_double_failures = true;
  envelope_.sender = "double-bounce@relay.example.com";
  EXPECT_FALSE(make(Kind::failure));
  EXPECT_FALSE(make(Kind::postmaster_failure));
}

TEST_F(BounceTest, TheOperatorsWordsStandInsteadOfOurs) {
  settings_.copy_failures = true;
  settings_.failure_template = std::make_shared<const Template>(Template{.charset = "utf-8",
                                                                         .from = "MAILER-DAEMON (Postamt)",
                                                                         .subject = "Leider",
                                                                         .postmaster_subject = "Kopie",
                                                                         .text = "Gr\xc3\xbc\xc3\x9f\n\nEnde\n"});
  const auto notice = make(Kind::failure);
  ASSERT_TRUE(notice);
  EXPECT_THAT(notice->content, HasSubstr("From: MAILER-DAEMON@relay.example.com (Postamt)\r\nSubject: Leider\r\n"));
  EXPECT_THAT(notice->content,
              HasSubstr("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"));
  EXPECT_THAT(notice->content, HasSubstr("\r\n\r\nGr\xc3\xbc\xc3\x9f\r\n\r\nEnde\r\n\r\n<"));
  EXPECT_THAT(notice->content, Not(HasSubstr("reports:")));
  EXPECT_THAT(make(Kind::postmaster_failure)->content, HasSubstr("Subject: Kopie\r\n"));
  EXPECT_THAT(make(Kind::delay)->content, HasSubstr("reports:"));
}

TEST_F(BounceTest, PostmasterGetsACopyWithHeaders) {
  envelope_.sender = "";
  settings_.report_double_failures = true;
  const auto notice = make(Kind::postmaster_failure);
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->sender, "double-bounce@relay.example.com");
  EXPECT_EQ(notice->recipient, "postmaster");
  EXPECT_THAT(notice->content, HasSubstr("Auto-Submitted: auto-generated\r\n"));
  EXPECT_THAT(notice->content, Not(HasSubstr("How are you?")));
}

TEST_F(BounceTest, NothingGoesToTheNullSenderOrToWhoWantsNone) {
  reports_ = {{.recipient = 2, .dsn = "5.0.0", .reason = "x"}};
  EXPECT_FALSE(make(Kind::failure));
  reports_ = {{.recipient = 0, .dsn = "5.0.0", .reason = "x"}};
  EXPECT_TRUE(make(Kind::failure));
  envelope_.sender = "";
  EXPECT_FALSE(make(Kind::failure));
}

TEST_F(BounceTest, ReturnsHeadersOfWhatIsTooLarge) {
  settings_.bounce_size_limit = content_.size();
  EXPECT_THAT(make(Kind::failure)->content, HasSubstr("How are you?"));
  settings_.bounce_size_limit = content_.size() - 1;
  const auto notice = make(Kind::failure);
  EXPECT_THAT(notice->content, HasSubstr("Content-Description: Undelivered Message Headers\r\n"
                                         "Content-Type: text/rfc822-headers\r\n"));
  EXPECT_THAT(notice->content, HasSubstr("Subject: hello\r\n\r\n--"));
  EXPECT_THAT(notice->content, Not(HasSubstr("How are you?")));
  settings_.bounce_size_limit = 0;
  EXPECT_THAT(make(Kind::failure)->content, HasSubstr("How are you?"));
}

TEST_F(BounceTest, ReturnsHeadersWhenTheSenderSaidSo) {
  envelope_.dsn_return = mail::DsnReturn::headers;
  envelope_.dsn_envid = "QQ+3D314159";
  const auto notice = make(Kind::failure);
  EXPECT_THAT(notice->content, Not(HasSubstr("How are you?")));
  EXPECT_THAT(notice->content, HasSubstr("Original-Envelope-Id: QQ=314159\r\n"));
}

TEST_F(BounceTest, SaysWhenTheOriginalIsUnreadable) {
  readable_ = false;
  const auto notice = make(Kind::failure);
  ASSERT_TRUE(notice);
  EXPECT_THAT(notice->content, HasSubstr("(the message can no longer be read)\r\n"));
}

TEST_F(BounceTest, EightBitContentIsDeclared) {
  content_ += "caf\xc3\xa9\r\n";
  const auto notice = make(Kind::failure);
  EXPECT_EQ(notice->encoding, mail::BodyEncoding::eight_bit_mime);
  EXPECT_THAT(notice->content, HasSubstr("\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\nThis is a MIME"));
  EXPECT_EQ(make(Kind::delay)->encoding, mail::BodyEncoding::seven_bit);
}

TEST_F(BounceTest, InternationalMailIsReportedAsSuch) {
  envelope_.smtputf8 = true;
  envelope_.recipients[0].address = "caf\xc3\xa9@example.net";
  const auto notice = make(Kind::failure);
  EXPECT_TRUE(notice->smtputf8);
  EXPECT_THAT(notice->content, HasSubstr("Content-Type: message/global-delivery-status\r\n"));
  EXPECT_THAT(notice->content, HasSubstr("Final-Recipient: utf-8; caf\xc3\xa9@example.net\r\n"));
  EXPECT_THAT(notice->content, HasSubstr("Content-Type: message/global\r\n"));
}

TEST_F(BounceTest, ThreadsOnRequest) {
  settings_.threaded = true;
  EXPECT_THAT(make(Kind::failure)->content,
              HasSubstr("References: <1@example.org>\r\nIn-Reply-To: <1@example.org>\r\n"));
}

TEST_F(BounceTest, AHostileReplyStaysOneField) {
  reports_ = {
      {.recipient = 0, .dsn = "5.0.0", .reason = "a\r\nBcc: victim@example.net", .remote_reply = "550 x\r\n\r\ny"}};
  const auto notice = make(Kind::failure);
  EXPECT_THAT(notice->content, Not(HasSubstr("\r\nBcc:")));
  EXPECT_THAT(notice->content, HasSubstr("Diagnostic-Code: smtp; 550 x????y\r\n"));
}

}  // namespace
}  // namespace waypost::report
