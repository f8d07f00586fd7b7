#include <gtest/gtest.h>

#include "smtp_client/agent_fixture.h"

namespace waypost::smtp_client {
namespace {

using AgentTest = AgentFixture;

TEST_F(AgentTest, DeliversAndLogsAsPostfix) {
  TestServer server({});
  const auto report = deliver(server.nexthop());
  EXPECT_EQ(outcome(report), "sent 2.0.0 250 2.0.0 Ok: queued as TEST");
  EXPECT_EQ(report.serial, 1u);
  EXPECT_EQ(report.health, delivery::LaneHealth::alive);
  EXPECT_EQ(server.contents(), std::vector<std::string>{"Subject: x\r\n\r\nhello\r\n"});
  EXPECT_TRUE(server.received("EHLO relay.example"));
  EXPECT_TRUE(server.received("MAIL FROM:<a@example.com> SIZE=21"));
  EXPECT_TRUE(log_.contains("to=<b@test>, relay=127.0.0.1[127.0.0.1]:" + std::to_string(server.port()) + ", delay="));
  EXPECT_TRUE(log_.contains("dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as TEST)"));
}

TEST_F(AgentTest, DeliversWithoutPipelining) {
  TestServer server({.keywords = {}});
  EXPECT_EQ(outcome(deliver(server.nexthop())), "sent 2.0.0 250 2.0.0 Ok: queued as TEST");
}

TEST_F(AgentTest, FallsBackToHelo) {
  TestServer server({.ehlo = "502 5.5.1 what?"});
  EXPECT_EQ(outcome(deliver(server.nexthop())), "sent 2.0.0 250 2.0.0 Ok: queued as TEST");
  EXPECT_TRUE(server.received("HELO relay.example"));
}

TEST_F(AgentTest, DoublesDots) {
  TestServer server({});
  body_ = std::make_shared<StringBody>("a: b\r\n\r\n.dot\r\n..\r\nend", true);
  deliver(server.nexthop());
  EXPECT_EQ(server.contents(), std::vector<std::string>{"a: b\r\n\r\n..dot\r\n...\r\nend\r\n"});
}

TEST_F(AgentTest, ReadsLargeContentFromTheSpoolInChunks) {
  TestServer server({});
  std::string text = "a: b\r\n\r\n";
  while (text.size() < 700'000) text += ".a line of some length that begins with a dot\r\n";
  body_ = std::make_shared<StringBody>(text, false);
  EXPECT_EQ(outcome(deliver(server.nexthop())), "sent 2.0.0 250 2.0.0 Ok: queued as TEST");
  ASSERT_EQ(server.contents().size(), 1u);
  EXPECT_GT(server.contents()[0].size(), text.size());
}

TEST_F(AgentTest, AnUnreadableSpoolDefers) {
  TestServer server({});
  body_ = std::make_shared<StringBody>("x", false);
  body_->fails = true;
  const auto report = deliver(server.nexthop());
  EXPECT_EQ(report.outcomes.at(0).status, delivery::Status::deferred);
  EXPECT_EQ(report.health, delivery::LaneHealth::alive);
  EXPECT_TRUE(server.contents().empty());
}

struct StageCase {
  const char* name;
  ServerScript script;
  const char* outcome;  // H stands for the server
  bool site_failure;
};

std::vector<StageCase> stage_cases() {
  const auto with = [](auto member, const char* reply) {
    ServerScript script;
    script.*member = reply;
    return script;
  };
  using S = ServerScript;
  return {
      {"greeting 4xx", with(&S::greeting, "421 4.3.2 busy"),
       "deferred 4.3.2 host H refused to talk to me: 421 4.3.2 busy", true},
      {"greeting 5xx", with(&S::greeting, "554 5.7.1 no"), "deferred 4.7.1 host H refused to talk to me: 554 5.7.1 no",
       true},
      {"greeting lost", with(&S::greeting, ""),
       "deferred 4.4.2 lost connection with H while receiving the initial server greeting", true},
      {"greeting silence", with(&S::greeting, "silence"),
       "deferred 4.4.2 conversation with H timed out while receiving the initial server greeting", true},
      {"mail 4xx", with(&S::mail, "451 4.3.0 later"),
       "deferred 4.3.0 host H said: 451 4.3.0 later (in reply to MAIL FROM command)", false},
      {"mail 5xx", with(&S::mail, "550 5.7.1 you"),
       "bounced 5.7.1 host H said: 550 5.7.1 you (in reply to MAIL FROM command)", false},
      {"mail lost", with(&S::mail, ""), "deferred 4.4.2 lost connection with H while sending MAIL FROM", true},
      {"data 4xx", with(&S::data, "451 no"), "deferred 4.0.0 host H said: 451 no (in reply to DATA command)", false},
      {"data 5xx", with(&S::data, "554 no"), "bounced 5.0.0 host H said: 554 no (in reply to DATA command)", false},
      {"final 4xx", with(&S::final, "452 4.3.1 full"),
       "deferred 4.3.1 host H said: 452 4.3.1 full (in reply to end of DATA command)", false},
      {"final 5xx", with(&S::final, "554 5.7.1 spam"),
       "bounced 5.7.1 host H said: 554 5.7.1 spam (in reply to end of DATA command)", false},
      {"final lost", with(&S::final, ""),
       "deferred 4.4.2 lost connection with H while sending end of data -- message may be sent more than once", true},
      {"final silence", with(&S::final, "silence"),
       "deferred 4.4.2 conversation with H timed out while sending end of data -- message may be sent more than once",
       true},
      {"early refusal", with(&S::early, "552 5.3.4 too big"),
       "bounced 5.3.4 host H said: 552 5.3.4 too big (in reply to end of DATA command)", false},
  };
}

TEST_F(AgentTest, EachStagesFailureHasItsOutcome) {
  for (const auto& expected : stage_cases()) {
    SCOPED_TRACE(expected.name);
    TestServer server(expected.script);
    const auto report = deliver(server.nexthop());
    std::string text = expected.outcome;
    text.replace(text.find(" H ") + 1, 1, "127.0.0.1[127.0.0.1]");
    EXPECT_EQ(outcome(report), text);
    EXPECT_EQ(report.health == delivery::LaneHealth::site_failure, expected.site_failure);
  }
}

TEST_F(AgentTest, AnEndlessReplyIsCutShort) {
  TestServer server({.mail = "endless"});
  const auto report = deliver(server.nexthop());
  EXPECT_EQ(report.outcomes.at(0).status, delivery::Status::deferred);
  EXPECT_EQ(report.outcomes.at(0).dsn, "4.5.0");
}

TEST_F(AgentTest, NobodyListensIsASiteFailure) {
  std::string nexthop;
  {
    TestServer server({});
    nexthop = server.nexthop();
  }
  const auto report = deliver(nexthop);
  EXPECT_EQ(outcome(report), "deferred 4.4.1 connect to 127.0.0.1[127.0.0.1]:" + nexthop.substr(nexthop.find(':') + 1) +
                                 ": Connection refused");
  EXPECT_EQ(report.health, delivery::LaneHealth::site_failure);
  EXPECT_EQ(report.health_dsn, "4.4.1");
  EXPECT_TRUE(log_.contains("relay=none"));
}

TEST_F(AgentTest, EachRecipientHasItsOwnFate) {
  TestServer server({.rcpt = {{"no@test", "550 5.1.1 unknown"}, {"later@test", "450 4.2.0 greylisted"}}});
  const auto report = deliver(server.nexthop(), {"no@test", "b@test", "later@test", "c@test"});
  std::map<std::uint32_t, delivery::Status> by_recipient;
  for (const auto& one : report.outcomes) by_recipient[one.recipient] = one.status;
  using delivery::Status;
  EXPECT_EQ(by_recipient, (std::map<std::uint32_t, Status>{
                              {0, Status::bounced}, {1, Status::sent}, {2, Status::deferred}, {3, Status::sent}}));
  EXPECT_EQ(server.contents().size(), 1u);
}

TEST_F(AgentTest, KeepsTheConnectionForWaitingMail) {
  settings_.cache.idle_limit = std::chrono::seconds(60);  // however busy the machine is
  TestServer server({});
  more_waiting_ = true;
  EXPECT_EQ(deliver(server.nexthop()).affinity, 0u);
  deliver(server.nexthop());
  deliver(server.nexthop());
  EXPECT_EQ(server.connections(), 1);
  EXPECT_TRUE(log_.contains("conn_use=3, delay="));
}

TEST_F(AgentTest, QuitsWhenNoMailWaits) {
  TestServer server({});
  EXPECT_EQ(deliver(server.nexthop()).affinity, delivery::Request::kNoAffinity);
  for (int i = 0; i < 100 && !server.received("QUIT"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(server.received("QUIT"));
}

TEST_F(AgentTest, AKeptConnectionThatTheServerEndedCostsNothing) {
  TestServer server({.close_when_idle = true});
  more_waiting_ = true;
  deliver(server.nexthop());
  EXPECT_EQ(outcome(deliver(server.nexthop())), "sent 2.0.0 250 2.0.0 Ok: queued as TEST");
  EXPECT_EQ(server.connections(), 2);
  EXPECT_FALSE(log_.contains("lost connection"));
}

TEST_F(AgentTest, IdleConnectionsAreClosedInTime) {
  TestServer server({});
  settings_.cache.idle_limit = std::chrono::seconds(0);
  more_waiting_ = true;
  deliver(server.nexthop());
  for (int i = 0; i < 100 && !server.received("QUIT"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(server.received("QUIT"));
}

TEST_F(AgentTest, ANewConfigurationMakesNewConnections) {
  TestServer server({});
  more_waiting_ = true;
  deliver(server.nexthop());
  agent().configure(std::make_shared<const ClientSettings>(settings_));
  deliver(server.nexthop());
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(AgentTest, AStoppedAgentDefers) {
  TestServer server({});
  agent().stop(clock_.mono());
  EXPECT_EQ(outcome(deliver(server.nexthop())), "deferred 4.3.2 delivery was stopped");
}

TEST_F(AgentTest, StoppingInTheMiddleDefers) {
  TestServer server({.greeting = "silence"});
  settings_.timeouts.helo = std::chrono::seconds(20);
  std::promise<delivery::Report> promise;
  agent().deliver(request(server.nexthop(), {"b@test"}),
                  [&](delivery::Report report) { promise.set_value(std::move(report)); });
  auto answer = promise.get_future();
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  agent().stop(clock_.mono() + std::chrono::milliseconds(50));
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(5)), std::future_status::ready);
  EXPECT_EQ(outcome(answer.get()), "deferred 4.3.2 delivery was stopped");
}

TEST_F(AgentTest, EightBitContentIsAnnouncedWhereItCanBe) {
  TestServer server({});
  body_ = std::make_shared<StringBody>("a: b\r\n\r\n\xc3\xa4\r\n", true);
  deliver(server.nexthop());
  EXPECT_TRUE(server.received("BODY=8BITMIME"));
  TestServer old_server({.keywords = {}});
  EXPECT_EQ(outcome(deliver(old_server.nexthop())), "sent 2.0.0 250 2.0.0 Ok: queued as TEST");
  EXPECT_EQ(old_server.contents().at(0), "a: b\r\n\r\n\xc3\xa4\r\n");  // nobody said what these bytes are
}

TEST_F(AgentTest, DeclaredEightBitContentIsConvertedForServersThatTakeNone) {
  encoding_ = mail::BodyEncoding::eight_bit_mime;
  const std::string text = "Content-Transfer-Encoding: 8bit\r\n\r\n.\xc3\xa4\r\n";
  for (const bool cached : {true, false}) {
    body_ = std::make_shared<StringBody>(text, cached);
    TestServer server({.keywords = {}});
    EXPECT_EQ(outcome(deliver(server.nexthop())), "sent 2.0.0 250 2.0.0 Ok: queued as TEST");
    EXPECT_EQ(server.contents().at(0), "Content-Transfer-Encoding: quoted-printable\r\n\r\n..=C3=A4\r\n");
  }
}

TEST_F(AgentTest, ContentNestedTooDeeplyForConversionBounces) {
  settings_.mime_nesting_limit = 1;
  body_ = std::make_shared<StringBody>(
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\n\r\n\xc3\xa4\r\n",
      true);
  TestServer server({.keywords = {}});
  EXPECT_EQ(outcome(deliver(server.nexthop())),
            "bounced 5.6.0 MIME nesting exceeds safety limit, and host 127.0.0.1[127.0.0.1] takes no 8-bit content");
  EXPECT_TRUE(server.contents().empty());
}

TEST_F(AgentTest, LinesAboveTheLimitAreFolded) {
  settings_.line_length_limit = 10;
  for (const bool cached : {true, false}) {
    body_ = std::make_shared<StringBody>("a: b\r\n\r\n0123456789\r\n0123456789AB\r\n", cached);
    TestServer server({});
    deliver(server.nexthop());
    EXPECT_EQ(server.contents().at(0), "a: b\r\n\r\n0123456789\r\n0123456789\r\n AB\r\n");
    EXPECT_TRUE(log_.contains(": breaking line > 10 bytes with <CR><LF>SPACE"));
  }
}

TEST_F(AgentTest, AMessageAboveTheServersLimitBounces) {
  TestServer server({.keywords = {"SIZE 10"}});
  EXPECT_EQ(outcome(deliver(server.nexthop())),
            "bounced 5.3.4 message size 21 exceeds size limit 10 of server 127.0.0.1[127.0.0.1]");
}

}  // namespace
}  // namespace waypost::smtp_client
