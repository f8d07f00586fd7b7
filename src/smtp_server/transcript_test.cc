#include "smtp_server/transcript.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace waypost::smtp_server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

NoticeSettings settings() {
  NoticeSettings out;
  out.origin = "example.com";
  out.mail_name = "Postfix";
  out.bounce_recipient = "bounces";
  return out;
}

TEST(Transcript, BecomesAMessageForThePostmaster) {
  Transcript transcript;
  transcript.said("220 mx ESMTP\r\n");
  transcript.heard("FROB \x01");
  transcript.said("500 5.5.2 Error: command not recognized\r\n");
  const auto notice = transcript.notice(settings(), smtp::Trouble::kProtocol, "c.example[192.0.2.1]", "timeout");
  EXPECT_EQ(notice.sender, "double-bounce@example.com");
  EXPECT_EQ(notice.recipient, "postmaster");
  EXPECT_THAT(notice.content, HasSubstr("\r\nSubject: Postfix SMTP server: errors from c.example[192.0.2.1]\r\n\r\n"));
  EXPECT_THAT(notice.content, HasSubstr("\r\n\r\n Out: 220 mx ESMTP\r\n In:  FROB ?\r\n Out: 500 5.5.2 Error"));
  EXPECT_THAT(notice.content, HasSubstr("\r\nSession aborted, reason: timeout\r\n"));
  EXPECT_EQ(transcript.notice(settings(), smtp::Trouble::kBounce, "c[1]", "").recipient, "bounces");
}

TEST(Transcript, KeepsBeginningAndEnd) {
  Transcript transcript;
  const auto total = Transcript::kFirstLines + Transcript::kLastLines;
  for (std::size_t i = 0; i < total; ++i) transcript.heard("line " + std::to_string(i) + ".");
  EXPECT_THAT(transcript.notice(settings(), 1, "c[1]", "").content, Not(HasSubstr("left out")));
  transcript.heard("line " + std::to_string(total) + ".");
  const auto content = transcript.notice(settings(), 1, "c[1]", "").content;
  EXPECT_THAT(content, HasSubstr(" line 49.\r\n ... 1 lines left out ...\r\n In:  line 51.\r\n"));
  EXPECT_THAT(content, HasSubstr(" In:  line 199.\r\n In:  line 200.\r\n"));
  EXPECT_THAT(content, Not(HasSubstr("line 50.")));
}

TEST(Transcript, CutsLongLines) {
  Transcript transcript;
  transcript.heard(std::string(Transcript::kMaxLineBytes + 1, 'x'));
  EXPECT_THAT(transcript.notice(settings(), 1, "c[1]", "").content,
              HasSubstr(" In:  " + std::string(Transcript::kMaxLineBytes, 'x') + "\r\n"));
}

}  // namespace
}  // namespace waypost::smtp_server
