// LMTP (RFC 2033) and XFORWARD, which only some servers want.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "smtp/client_session.h"

namespace waypost::smtp {
namespace {

using Action = ClientSession::Action;

class LmtpDialogue : public testing::Test {
 protected:
  LmtpDialogue() {
    settings_.hello = ClientSessionSettings::Hello::lhlo;
    settings_.helo_name = "relay.example";
    settings_.peer = settings_.peer_port = "relay.example[private/dovecot]";
    envelope_.sender = "a@example.com";
    for (const auto* name : {"b@test", "c@test", "d@test"}) envelope_.recipients.push_back({.address = name});
  }
  void greet(std::string_view lhlo) {
    session_.emplace(settings_);
    say("220 ready\r\n");
    EXPECT_EQ(sent_, "LHLO relay.example\r\n");
    say(lhlo);
  }
  Action say(std::string_view wire) {
    while (parser_.next(wire)) act(session_->on_reply(parser_.reply()));
    return action_;
  }
  Action act(Action action) {
    action_ = action;
    if (action_ == Action::write) {
      sent_ = session_->output();
      session_->output_sent();
      action_ = Action::read;
    }
    return action_;
  }
  Action begin() { return act(session_->begin({&envelope_, recipients_, {}})); }

  ClientSessionSettings settings_;
  std::optional<ClientSession> session_;
  ReplyParser parser_;
  Action action_ = Action::read;
  std::string sent_;
  mail::Envelope envelope_;
  std::vector<std::uint32_t> recipients_{0, 1, 2};
};

TEST_F(LmtpDialogue, EachAcceptedRecipientHasItsOwnFinalReply) {
  greet("250-x\r\n250 PIPELINING\r\n");
  begin();
  EXPECT_EQ(say("250 ok\r\n250 ok\r\n550 5.1.1 unknown\r\n250 ok\r\n354 go\r\n"), Action::send_content);
  act(session_->on_content_sent());
  EXPECT_EQ(say("250 2.1.5 b saved\r\n"), Action::read);
  EXPECT_EQ(say("452 4.2.2 d is full\r\n"), Action::done);
  ASSERT_EQ(session_->delivered().size(), 1U);
  EXPECT_EQ(session_->delivered()[0].recipient, 0U);
  EXPECT_EQ(session_->delivered()[0].reply, "250 2.1.5 b saved");
  EXPECT_EQ(session_->delivered()[0].dsn, "2.1.5");
  ASSERT_EQ(session_->refused().size(), 2U);
  EXPECT_EQ(session_->refused()[0].recipient, 1U);
  EXPECT_EQ(session_->refused()[1].recipient, 2U);
  EXPECT_EQ(session_->refused()[1].failure.text,
            "host relay.example[private/dovecot] said: 452 4.2.2 d is full (in reply to end of DATA command)");
  EXPECT_FALSE(session_->failure());
  EXPECT_TRUE(session_->usable());
}

TEST_F(LmtpDialogue, WhoseReplyIsMissingIsNotDelivered) {
  greet("250-x\r\n250 PIPELINING\r\n");
  begin();
  say("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  act(session_->on_content_sent());
  say("250 b saved\r\n");
  EXPECT_EQ(act(session_->on_lost_connection()), Action::done);
  EXPECT_EQ(session_->delivered().size(), 1U);
  ASSERT_TRUE(session_->failure());
  EXPECT_EQ(session_->failure()->cause, ClientFailure::Cause::lost_connection);
}

TEST_F(LmtpDialogue, ThereIsNoOlderGreeting) {
  greet("500 what?\r\n");
  EXPECT_EQ(action_, Action::failed);
  EXPECT_EQ(session_->failure()->text, "host relay.example[private/dovecot] refused to talk to me: 500 what?");
}

TEST_F(LmtpDialogue, AServerThatWantsContentForNobodyIsLeft) {
  greet("250-x\r\n250 PIPELINING\r\n");
  begin();
  EXPECT_EQ(say("250 ok\r\n550 no\r\n550 no\r\n550 no\r\n354 go\r\n"), Action::done);
  EXPECT_EQ(session_->refused().size(), 3U);
  EXPECT_FALSE(session_->usable());
}

TEST_F(LmtpDialogue, ASecondMessageStartsAnew) {
  greet("250-x\r\n250 PIPELINING\r\n");
  for (int round = 0; round < 2; ++round) {
    begin();
    say("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    act(session_->on_content_sent());
    EXPECT_EQ(say("250 b\r\n250 c\r\n250 d\r\n"), Action::done);
    EXPECT_EQ(session_->delivered().size(), 3U);
  }
}

class XforwardDialogue : public LmtpDialogue {
 protected:
  XforwardDialogue() {
    settings_.send_xforward = true;
    envelope_.client_name = "client.example";
    envelope_.client_address = "192.0.2.9";
    envelope_.helo = "he lo";
    envelope_.protocol = "ESMTP";
    envelope_.id = QueueId(0, 0xABCDEF);
    recipients_ = {0};
  }
};

TEST_F(XforwardDialogue, SaysWhoseMailItIsInTheOrderOfPostfix) {
  greet("250-x\r\n250-PIPELINING\r\n250 XFORWARD NAME ADDR PROTO HELO IDENT SOURCE PORT\r\n");
  begin();
  EXPECT_EQ(sent_, "XFORWARD NAME=client.example ADDR=192.0.2.9\r\nXFORWARD PROTO=ESMTP HELO=he+20lo IDENT=" +
                       envelope_.id.text() +
                       " SOURCE=REMOTE\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@test>\r\nDATA\r\n");
  EXPECT_EQ(say("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"), Action::send_content);
}

TEST_F(XforwardDialogue, ARefusalIsOnlyAWarning) {
  greet("250-x\r\n250 XFORWARD ADDR HELO\r\n");
  begin();
  EXPECT_EQ(sent_, "XFORWARD ADDR=192.0.2.9\r\n");
  say("550 not you\r\n");
  EXPECT_EQ(sent_, "XFORWARD HELO=he+20lo\r\n");
  say("250 ok\r\n");
  EXPECT_EQ(sent_, "MAIL FROM:<a@example.com>\r\n");
  const auto warnings = session_->take_warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0], "host relay.example[private/dovecot] said: 550 not you (in reply to XFORWARD command)");
}

TEST_F(XforwardDialogue, NothingIsSentToWhoDoesNotAsk) {
  greet("250 x\r\n");
  begin();
  EXPECT_EQ(sent_, "MAIL FROM:<a@example.com>\r\n");
}

}  // namespace
}  // namespace waypost::smtp
