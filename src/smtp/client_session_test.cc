#include "smtp/client_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace waypost::smtp {
namespace {

using Action = ClientSession::Action;
using Cause = ClientFailure::Cause;

// A session, its caller and a server that says what it is told.
class Dialogue : public testing::Test {
 protected:
  Dialogue() {
    settings_.helo_name = "relay.example";
    settings_.peer = "mx.test[192.0.2.1]";
    settings_.peer_port = "mx.test[192.0.2.1]:25";
    settings_.nexthop = "test";
    envelope_.sender = "a@example.com";
    envelope_.recipients.push_back({.address = "b@test"});
  }

  void connect() {
    session_.emplace(settings_);
    action_ = session_->start();
  }

  // The server says this, in one piece.
  Action say(std::string_view wire) {
    while (parser_.next(wire)) {
      EXPECT_TRUE(action_ == Action::read);
      act(session_->on_reply(parser_.reply()));
    }
    return action_;
  }
  Action act(Action action) {
    action_ = action;
    if (action_ != Action::write) return action_;
    sent_ = session_->output();
    session_->output_sent();
    action_ = Action::read;
    return action_;
  }
  Action greet(std::string_view ehlo = "250 mx.test\r\n") {
    connect();
    say("220 mx.test ESMTP\r\n");
    return say(ehlo);
  }
  Action begin(std::vector<std::uint32_t> recipients = {0}) {
    recipients_ = std::move(recipients);
    return act(session_->begin({&envelope_, recipients_, parameters_}));
  }
  const ClientFailure& failure() {
    static const ClientFailure none;
    EXPECT_TRUE(session_->failure());
    return session_->failure() ? *session_->failure() : none;
  }

  ClientSessionSettings settings_;
  std::optional<ClientSession> session_;
  ReplyParser parser_;
  Action action_ = Action::read;
  std::string sent_;  // the last flight
  mail::Envelope envelope_;
  std::vector<std::uint32_t> recipients_;
  MailOptions parameters_;
};

TEST_F(Dialogue, GreetsAndIsReady) {
  connect();
  say("220 mx.test ESMTP\r\n");
  EXPECT_EQ(sent_, "EHLO relay.example\r\n");
  EXPECT_EQ(say("250 mx.test\r\n"), Action::ready);
}

TEST_F(Dialogue, FallsBackToHelo) {
  greet("500 what?\r\n");
  EXPECT_EQ(sent_, "HELO relay.example\r\n");
  EXPECT_EQ(say("250 mx.test\r\n"), Action::ready);
  EXPECT_FALSE(session_->features().pipelining);
}

TEST_F(Dialogue, RefusalsToTalkAreWordedAsPostfixDoes) {
  connect();
  EXPECT_EQ(say("554-go\r\n554 5.7.1 away\r\n"), Action::failed);
  EXPECT_EQ(failure().stage, ClientStage::greeting);
  EXPECT_EQ(failure().code, 554);
  EXPECT_EQ(failure().text, "host mx.test[192.0.2.1] refused to talk to me: 554-go 554 5.7.1 away");
  EXPECT_EQ(greet("421 busy\r\n"), Action::failed);
  EXPECT_EQ(failure().stage, ClientStage::ehlo);
  greet("502 no\r\n");
  EXPECT_EQ(say("550 no\r\n"), Action::failed);
  EXPECT_EQ(failure().dsn, "5.0.0");
}

TEST_F(Dialogue, PipelinesTheEnvelopeInOneFlight) {
  envelope_.recipients.push_back({.address = "c d@test"});
  parameters_ = {.size_bytes = 1234, .eight_bit = true};
  greet("250-mx.test\r\n250-PIPELINING\r\n250-SIZE 10000\r\n250 8BITMIME\r\n");
  begin({0, 1});
  EXPECT_EQ(
      sent_,
      "MAIL FROM:<a@example.com> SIZE=1234 BODY=8BITMIME\r\nRCPT TO:<b@test>\r\nRCPT TO:<\"c d\"@test>\r\nDATA\r\n");
  EXPECT_EQ(say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"), Action::send_content);
  EXPECT_EQ(act(session_->on_content_sent()), Action::read);
  EXPECT_EQ(say("250 2.0.0 Ok: queued as X\r\n"), Action::done);
  EXPECT_EQ(session_->final_reply(), "250 2.0.0 Ok: queued as X");
  EXPECT_EQ(session_->final_dsn(), "2.0.0");
  EXPECT_TRUE(session_->usable());
}

TEST_F(Dialogue, SendsOneCommandAtATimeWithoutPipelining) {
  greet();
  begin();
  EXPECT_EQ(sent_, "MAIL FROM:<a@example.com>\r\n");
  say("250 ok\r\n");
  EXPECT_EQ(sent_, "RCPT TO:<b@test>\r\n");
  say("250 ok\r\n");
  EXPECT_EQ(sent_, "DATA\r\n");
  EXPECT_EQ(say("354 go\r\n"), Action::send_content);
}

TEST_F(Dialogue, ManyRecipientsGoInFlightsOfBoundedSize) {
  envelope_.recipients.assign(1000, {.address = std::string(50, 'x') + "@test"});
  std::vector<std::uint32_t> all(1000);
  for (std::uint32_t i = 0; i < 1000; ++i) all[i] = i;
  greet("250-mx.test\r\n250 PIPELINING\r\n");
  begin(all);
  EXPECT_LE(sent_.size(), kMaxFlightBytes + 128);
  int flights = 0;
  while (action_ == Action::read && ++flights < 50) {
    std::string replies;
    for (const char c : sent_) replies += c == '\n' ? "250 ok\r\n" : "";
    if (sent_.ends_with("DATA\r\n")) replies.replace(replies.size() - 8, 3, "354");
    say(replies);
  }
  EXPECT_EQ(action_, Action::send_content);
  EXPECT_GT(flights, 1);
}

TEST_F(Dialogue, RefusedRecipientsAreNamedAndTheOthersGetTheMail) {
  envelope_.recipients.assign(3, {.address = "b@test"});
  greet("250-mx.test\r\n250 PIPELINING\r\n");
  begin({0, 1, 2});
  EXPECT_EQ(say("250 ok\r\n550 5.1.1 no\r\n250 ok\r\n451 later\r\n354 go\r\n"), Action::send_content);
  act(session_->on_content_sent());
  say("250 queued\r\n");
  ASSERT_EQ(session_->refused().size(), 2u);
  EXPECT_EQ(session_->refused()[0].recipient, 0u);
  EXPECT_EQ(session_->refused()[0].failure.text,
            "host mx.test[192.0.2.1] said: 550 5.1.1 no (in reply to RCPT TO command)");
  EXPECT_EQ(session_->refused()[1].recipient, 2u);
  EXPECT_EQ(session_->refused()[1].failure.code, 451);
  EXPECT_FALSE(session_->failure());
}

TEST_F(Dialogue, NobodyAcceptedYet354IsAnsweredWithALoneDot) {
  greet("250-mx.test\r\n250 PIPELINING\r\n");
  begin();
  say("250 ok\r\n550 no\r\n354 go\r\n");
  EXPECT_EQ(sent_, ".\r\n");
  EXPECT_EQ(say("554 no recipients\r\n"), Action::done);
  EXPECT_EQ(session_->refused().size(), 1u);
  EXPECT_FALSE(session_->failure());
  EXPECT_TRUE(session_->usable());
}

TEST_F(Dialogue, ARefusedSenderRefusesAllAndTheNextTransactionResets) {
  greet("250-mx.test\r\n250 PIPELINING\r\n");
  begin();
  EXPECT_EQ(say("550 5.7.1 you\r\n503 mail first\r\n503 rcpt first\r\n"), Action::done);
  EXPECT_EQ(failure().stage, ClientStage::mail);
  EXPECT_EQ(failure().text, "host mx.test[192.0.2.1] said: 550 5.7.1 you (in reply to MAIL FROM command)");
  EXPECT_TRUE(session_->refused().empty());
  begin();
  EXPECT_EQ(sent_, "RSET\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@test>\r\nDATA\r\n");
  EXPECT_EQ(say("250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n"), Action::send_content);
}

TEST_F(Dialogue, AServerThatCannotResetDoesNotCostTheMessage) {
  greet("250-mx.test\r\n250 PIPELINING\r\n");
  begin();
  say("550 no\r\n503 no\r\n503 no\r\n");
  begin();
  EXPECT_EQ(say("500 what?\r\n"), Action::done);
  EXPECT_EQ(failure().cause, Cause::temporary);
  EXPECT_FALSE(session_->usable());
}

TEST_F(Dialogue, RefusalsOfDataAndContentConcernTheMessage) {
  greet("250-mx.test\r\n250 PIPELINING\r\n");
  begin();
  EXPECT_EQ(say("250 ok\r\n250 ok\r\n451 4.3.0 later\r\n"), Action::done);
  EXPECT_EQ(failure().stage, ClientStage::data);
  begin();
  say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  act(session_->on_content_sent());
  EXPECT_EQ(say("554 5.7.1 spam\r\n"), Action::done);
  EXPECT_EQ(failure().stage, ClientStage::end_of_data);
  EXPECT_EQ(failure().text, "host mx.test[192.0.2.1] said: 554 5.7.1 spam (in reply to end of DATA command)");
  EXPECT_TRUE(session_->usable());
}

TEST_F(Dialogue, AReplyBeforeTheEndOfTheContentIsARefusalAndEndsTheSession) {
  greet("250-mx.test\r\n250 PIPELINING\r\n");
  begin();
  say("250 ok\r\n250 ok\r\n354 go\r\n");
  action_ = Action::read;
  EXPECT_EQ(say("552 5.3.4 too big\r\n"), Action::done);
  EXPECT_EQ(failure().code, 552);
  EXPECT_FALSE(session_->usable());
}

struct LossCase {
  const char* replies;
  const char* doing;
};

TEST_F(Dialogue, SaysWhereTheConnectionWasLost) {
  for (const auto& [replies, doing] : {LossCase{"", "sending MAIL FROM"}, LossCase{"250 ok\r\n", "sending RCPT TO"},
                                       LossCase{"250 ok\r\n250 ok\r\n", "sending DATA command"},
                                       LossCase{"250 ok\r\n250 ok\r\n354 go\r\n", "sending message body"}}) {
    greet("250-mx.test\r\n250 PIPELINING\r\n");
    begin();
    say(replies);
    EXPECT_EQ(session_->on_lost_connection(), Action::done);
    EXPECT_EQ(failure().text, std::string("lost connection with mx.test[192.0.2.1] while ") + doing);
    EXPECT_EQ(failure().cause, Cause::lost_connection);
  }
  connect();
  EXPECT_EQ(session_->on_timeout(), Action::failed);
  EXPECT_EQ(failure().text,
            "conversation with mx.test[192.0.2.1] timed out while receiving the initial server greeting");
}

TEST_F(Dialogue, AfterTheDotALossMayHaveDeliveredIt) {
  greet("250-mx.test\r\n250 PIPELINING\r\n");
  begin();
  say("250 ok\r\n250 ok\r\n354 go\r\n");
  act(session_->on_content_sent());
  EXPECT_EQ(session_->on_timeout(), Action::done);
  EXPECT_EQ(failure().text,
            "conversation with mx.test[192.0.2.1] timed out while sending end of data -- message may be sent more than "
            "once");
}

TEST_F(Dialogue, GarbageIsAProtocolErrorThatDefers) {
  greet("250-mx.test\r\n250 PIPELINING\r\n");
  begin();
  EXPECT_EQ(say("hello\r\n"), Action::done);
  EXPECT_EQ(failure().cause, Cause::temporary);
  EXPECT_EQ(failure().dsn, "4.5.0");
  EXPECT_FALSE(session_->usable());
}

TEST_F(Dialogue, StartsTlsWhenOfferedAndForgetsWhatItLearntInClear) {
  settings_.tls = ClientSessionSettings::Tls::may;
  greet("250-mx.test\r\n250-STARTTLS\r\n250 PIPELINING\r\n");
  EXPECT_EQ(sent_, "STARTTLS\r\n");
  EXPECT_EQ(say("220 go\r\n"), Action::start_tls);
  act(session_->on_tls());
  EXPECT_EQ(sent_, "EHLO relay.example\r\n");
  EXPECT_FALSE(session_->features().pipelining);
  EXPECT_EQ(say("250-mx.test\r\n250 STARTTLS\r\n"), Action::ready);
}

TEST_F(Dialogue, OptionalTlsGoesOnInClearWhenNotOfferedOrRefused) {
  settings_.tls = ClientSessionSettings::Tls::may;
  EXPECT_EQ(greet(), Action::ready);
  greet("250-mx.test\r\n250 STARTTLS\r\n");
  EXPECT_EQ(say("454 not now\r\n"), Action::ready);
}

TEST_F(Dialogue, RequiredTlsNeverGoesOnInClear) {
  settings_.tls = ClientSessionSettings::Tls::required;
  EXPECT_EQ(greet(), Action::failed);
  EXPECT_EQ(failure().text, "TLS is required, but was not offered by host mx.test[192.0.2.1]");
  EXPECT_EQ(failure().dsn, "4.7.4");
  greet("250-mx.test\r\n250 STARTTLS\r\n");
  EXPECT_EQ(say("454 4.7.0 not now\r\n"), Action::failed);
  EXPECT_EQ(failure().text, "TLS is required, but host mx.test[192.0.2.1] refused to start TLS: 454 4.7.0 not now");
  greet("500 what?\r\n");
  EXPECT_EQ(say("250 mx.test\r\n"), Action::failed) << "HELO offers no TLS";
}

TEST_F(Dialogue, AuthenticatesWithAnInitialResponse) {
  settings_.use_auth = true;
  EXPECT_EQ(greet("250-mx.test\r\n250-AUTH=LOGIN\r\n250 AUTH LOGIN PLAIN\r\n"), Action::authenticate);
  EXPECT_EQ(session_->features().mechanisms, (std::vector<std::string>{"LOGIN", "PLAIN"}));
  act(session_->auth_begin("PLAIN", std::string_view("\0u\0p", 4)));
  EXPECT_EQ(sent_, "AUTH PLAIN AHUAcA==\r\n");
  EXPECT_EQ(say("235 2.7.0 ok\r\n"), Action::ready);
  EXPECT_TRUE(session_->authenticated());
}

TEST_F(Dialogue, AnswersChallenges) {
  settings_.use_auth = true;
  greet("250-mx.test\r\n250 AUTH LOGIN\r\n");
  act(session_->auth_begin("LOGIN", std::nullopt));
  EXPECT_EQ(sent_, "AUTH LOGIN\r\n");
  EXPECT_EQ(say("334 VXNlcm5hbWU6\r\n"), Action::auth_challenge);
  EXPECT_EQ(session_->challenge(), "Username:");
  act(session_->auth_respond("u"));
  EXPECT_EQ(sent_, "dQ==\r\n");
  EXPECT_EQ(say("334 \r\n"), Action::auth_challenge);
  EXPECT_EQ(session_->challenge(), "");
}

TEST_F(Dialogue, ALongInitialResponseWaitsForTheChallenge) {
  settings_.use_auth = true;
  greet("250-mx.test\r\n250 AUTH PLAIN\r\n");
  const std::string response(500, 'x');
  act(session_->auth_begin("PLAIN", response));
  EXPECT_EQ(sent_, "AUTH PLAIN\r\n");
  say("334 \r\n");
  EXPECT_EQ(sent_.size(), 670u);
}

TEST_F(Dialogue, AuthenticationFailuresAreWordedAsPostfixDoes) {
  settings_.use_auth = true;
  greet("250-mx.test\r\n250 AUTH PLAIN\r\n");
  act(session_->auth_begin("PLAIN", "x"));
  EXPECT_EQ(say("535 5.7.8 no\r\n"), Action::failed);
  EXPECT_EQ(failure().stage, ClientStage::auth);
  EXPECT_EQ(failure().text, "SASL authentication failed; server mx.test[192.0.2.1] said: 535 5.7.8 no");
  greet("250-mx.test\r\n250 AUTH PLAIN\r\n");
  EXPECT_EQ(session_->auth_fail("no mechanism available"), Action::failed);
  EXPECT_EQ(failure().text,
            "SASL authentication failed; cannot authenticate to server mx.test[192.0.2.1]: no mechanism available");
  greet("250-mx.test\r\n250 AUTH PLAIN\r\n");
  act(session_->auth_begin("PLAIN", "x"));
  EXPECT_EQ(say("334 !!!\r\n"), Action::failed);
}

TEST_F(Dialogue, AMessageTheServerCannotTakeIsNotSent) {
  greet("250-mx.test\r\n250 SIZE 1000\r\n");
  parameters_.size_bytes = 1000;
  begin();
  EXPECT_EQ(sent_, "MAIL FROM:<a@example.com> SIZE=1000\r\n");
  greet("250-mx.test\r\n250 SIZE 1000\r\n");
  parameters_.size_bytes = 1001;
  EXPECT_EQ(begin(), Action::done);
  EXPECT_EQ(failure().text, "message size 1001 exceeds size limit 1000 of server mx.test[192.0.2.1]");
  EXPECT_TRUE(session_->usable());
  parameters_ = {.utf8 = true};
  EXPECT_EQ(begin(), Action::done);
  EXPECT_EQ(failure().stage, ClientStage::capability);
  parameters_ = {};
  envelope_.sender = "a\r\nRCPT TO:<x@y>@z";
  EXPECT_EQ(begin(), Action::done);
}

TEST_F(Dialogue, SaysWhatTheSenderSaidOfTheContent) {
  const std::string offer = "250-mx.test\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";
  envelope_.encoding = mail::BodyEncoding::seven_bit;
  envelope_.smtputf8 = true;
  greet(offer);
  begin();
  EXPECT_EQ(sent_, "MAIL FROM:<a@example.com> BODY=7BIT SMTPUTF8\r\n");
  parameters_.eight_bit = true;
  greet(offer);
  begin();
  EXPECT_EQ(sent_, "MAIL FROM:<a@example.com> BODY=8BITMIME SMTPUTF8\r\n");
  greet("250 mx.test\r\n");
  begin();
  EXPECT_EQ(sent_, "MAIL FROM:<a@example.com>\r\n");
}

TEST_F(Dialogue, NoticesItself) {
  settings_.own_name = "relay.example";
  connect();
  say("220 Relay.example ESMTP\r\n");
  EXPECT_EQ(session_->take_warnings().at(0),
            "host mx.test[192.0.2.1]:25 greeted me with my own hostname relay.example");
  EXPECT_EQ(say("250 relay.example\r\n"), Action::failed);
  EXPECT_EQ(failure().text, "mail for test loops back to myself");
  EXPECT_EQ(failure().dsn, "5.4.6");
}

TEST_F(Dialogue, DsnParametersGoToServersThatTakeThem) {
  envelope_.dsn_envid = "id+2B1";
  envelope_.dsn_return = mail::DsnReturn::headers;
  envelope_.recipients[0] = {
      .address = "b@test", .original = "x+y@test", .notify = mail::Notify::kSuccess | mail::Notify::kDelay};
  greet("250-mx.test\r\n250-PIPELINING\r\n250 DSN\r\n");
  begin();
  EXPECT_EQ(sent_,
            "MAIL FROM:<a@example.com> ENVID=id+2B1 RET=HDRS\r\n"
            "RCPT TO:<b@test> ORCPT=rfc822;x+2By@test NOTIFY=SUCCESS,DELAY\r\nDATA\r\n");
  envelope_.recipients[0] = {.address = "b@test", .dsn_orcpt = "rfc822;o+2Bo@test"};
  greet("250-mx.test\r\n250-PIPELINING\r\n250 DSN\r\n");
  begin();
  EXPECT_NE(sent_.find("RCPT TO:<b@test> ORCPT=rfc822;o+2Bo@test\r\n"), std::string::npos);
}

TEST_F(Dialogue, DiscardedKeywordsAreNotUsed) {
  settings_.discard = {"pipelining", "DSN"};
  greet("250-mx.test\r\n250-PIPELINING\r\n250 DSN\r\n");
  EXPECT_FALSE(session_->features().pipelining);
  EXPECT_FALSE(session_->features().dsn);
}

TEST_F(Dialogue, ServiceClosingEndsTheSessionAfterTheTransaction) {
  greet("250-mx.test\r\n250 PIPELINING\r\n");
  begin();
  EXPECT_EQ(say("421 4.3.2 shutting down\r\n"), Action::read);
  EXPECT_EQ(session_->on_lost_connection(), Action::done);
  EXPECT_EQ(failure().code, 421);
  EXPECT_FALSE(session_->usable());
}

TEST_F(Dialogue, Quits) {
  greet();
  act(session_->quit());
  EXPECT_EQ(sent_, "QUIT\r\n");
  EXPECT_EQ(say("221 bye\r\n"), Action::closed);
}

}  // namespace
}  // namespace waypost::smtp
