#include "smtp_server/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp_server/session_log.h"
#include "smtp_server/test_support.h"

namespace waypost::smtp_server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Session, TakesAMessageAndLogsIt) {
  TestServer server;
  TestClient c = server.client();
  EXPECT_EQ(c.until("220"), "220 mx.example ESMTP Postfix\r\n");
  EXPECT_THAT(c.ask("EHLO c.example", "250"), StartsWith("250-mx.example\r\n250-PIPELINING\r\n"));
  c.send("MAIL FROM:<a@b.example> SIZE=9\r\nRCPT TO:<c@d.example>\r\nDATA\r\n");
  EXPECT_EQ(c.until("354"), "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n");
  c.send("Subject: x\r\n\r\n..y\r\n.\r\nQUIT\r\n");
  EXPECT_EQ(c.rest(), "250 2.0.0 Ok: queued as ABCDE1\r\n221 2.0.0 Bye\r\n");
  ASSERT_EQ(server.intake.messages().size(), 1U);
  const auto stored = server.intake.messages()[0];
  EXPECT_EQ(stored.content, "Subject: x\r\n\r\n.y\r\n");
  EXPECT_EQ(stored.envelope.client_address, "127.0.0.1");
  EXPECT_EQ(stored.envelope.helo, "c.example");
  EXPECT_EQ(stored.envelope.id.text(), "ABCDE1");
  EXPECT_NE(stored.envelope.arrival, WallTime{});
  EXPECT_TRUE(server.logged("disconnect"));
  EXPECT_EQ(server.log.lines(),
            (std::vector<std::string>{
                "postfix/smtpd: connect from unknown[127.0.0.1]", "postfix/smtpd: ABCDE1: client=unknown[127.0.0.1]",
                "postfix/smtpd: disconnect from unknown[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"}));
}

TEST(Session, TakesContentThatComesByteByByte) {
  TestServer server;
  TestClient c = server.greeted();
  c.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  c.until("354");
  for (const char byte : std::string_view("a\r\n..b\nc\r\n.\r\nQUIT\r\n")) {
    c.send({&byte, 1});
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  EXPECT_THAT(c.rest(), HasSubstr("queued as"));
  EXPECT_EQ(server.intake.messages()[0].content, "a\r\n.b\r\nc\r\n");
}

TEST(Session, TakesAMessageLargerThanTheReadBuffer) {
  TestServer server;
  TestClient c = server.greeted();
  std::string content;
  while (content.size() < 3'000'000) content += "A line of some length, and a dot at its end.\r\n";
  c.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  c.until("354");
  c.send(content + ".\r\nMAIL FROM:<second@b>\r\n");
  EXPECT_THAT(c.until("250"), HasSubstr("queued as"));
  EXPECT_EQ(c.until("250"), "250 2.1.0 Ok\r\n");
  EXPECT_EQ(server.intake.messages()[0].content, content);
}

TEST(Session, LogsRefusalsInPostfixsShape) {
  TestServer server;
  server.access->recipients["bad@d.example"] =
      FakeAccess::refusal(554, "5.7.1", "<bad@d.example>: Relay access denied");
  access::Decision warned;
  warned.would_refuse = {"554 5.7.1 <w@d.example>: Recipient address rejected: x"};
  warned.warnings = {"unknown smtpd restriction: \"x\""};
  server.access->recipients["w@d.example"] = warned;
  TestClient c = server.greeted();
  c.ask("MAIL FROM:<\"a b\"@c.example>", "250");
  EXPECT_EQ(c.ask("RCPT TO:<bad@d.example>", "554"), "554 5.7.1 <bad@d.example>: Relay access denied\r\n");
  EXPECT_TRUE(
      server.log.contains("NOQUEUE: reject: RCPT from unknown[127.0.0.1]: 554 5.7.1 <bad@d.example>: Relay access "
                          "denied; from=<\"a b\"@c.example> to=<bad@d.example> proto=ESMTP helo=<c.example>"));
  c.ask("RCPT TO:<w@d.example>", "250");
  EXPECT_TRUE(server.log.contains("NOQUEUE: reject_warning: RCPT from"));
  EXPECT_TRUE(server.log.contains("warning: unknown smtpd restriction: \"x\""));
  c.ask("RCPT TO:<bad@d.example>", "554");
  EXPECT_TRUE(server.log.contains("ABCDE1: reject: RCPT from unknown[127.0.0.1]: 554"));
  EXPECT_EQ(server.access->last.sender, "a b@c.example");
  EXPECT_EQ(server.access->last.helo, "c.example");
}

TEST(Session, RefusesAtEveryStage) {
  TestServer server;
  server.access->end_of_data =
      FakeAccess::refusal(550, "5.7.1", "<END-OF-MESSAGE>: End-of-data rejected: Access denied");
  TestClient c = server.greeted();
  c.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  c.until("354");
  EXPECT_THAT(c.ask("x\r\n.", "550"), StartsWith("550 5.7.1 <END-OF-MESSAGE>"));
  EXPECT_TRUE(server.log.contains("reject: END-OF-MESSAGE from unknown[127.0.0.1]: 550 5.7.1"));
  EXPECT_TRUE(server.log.contains("Access denied; from=<a@b> to=<c@d> proto=ESMTP helo=<c.example>"));
  server.access->end_of_data = {};
  server.intake.space = smtp::Reply{452, "4.3.1", "Insufficient system storage"};
  EXPECT_EQ(c.ask("MAIL FROM:<a@b>", "452"), "452 4.3.1 Insufficient system storage\r\n");
  EXPECT_TRUE(
      server.log.contains("NOQUEUE: reject: MAIL from unknown[127.0.0.1]: 452 4.3.1 Insufficient system storage; "
                          "from=<a@b> proto=ESMTP helo=<c.example>"));
  server.intake.space.reset();
  server.intake.finish_refusal = smtp::Reply{451, "4.3.0", "Error: queue file write error"};
  c.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  c.until("354");
  EXPECT_EQ(c.ask(".", "451"), "451 4.3.0 Error: queue file write error\r\n");
  server.intake.append_refusal = smtp::Reply{552, "5.3.4", "Error: message file too big"};
  c.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  c.until("354");
  EXPECT_EQ(c.ask("x\r\n.", "552"), "552 5.3.4 Error: message file too big\r\n");
}

TEST(Session, RefusedClientHearsTheReasonAndMayLeave) {
  TestServer server;
  server.access->connect =
      FakeAccess::refusal(554, "5.7.1", "<unknown[127.0.0.1]>: Client host rejected: Access denied");
  TestClient c = server.client();
  EXPECT_THAT(c.until("554"), StartsWith("554 5.7.1 <unknown"));
  EXPECT_EQ(c.ask("EHLO x", "503"), "503 5.7.0 Error: access denied for unknown[127.0.0.1]\r\n");
  EXPECT_EQ(c.ask("QUIT", "221"), "221 2.0.0 Bye\r\n");
  EXPECT_TRUE(server.logged("NOQUEUE: reject: CONNECT from unknown[127.0.0.1]: 554 5.7.1"));
}

TEST(Session, HoldsTheSizeLimit) {
  TestServer server;
  server.service.settings.protocol.message_size_limit = 1000;
  TestClient c = server.greeted();
  EXPECT_EQ(c.ask("MAIL FROM:<a@b> SIZE=1001", "552"), "552 5.3.4 Message size exceeds fixed limit\r\n");
  const auto send = [&c](std::size_t size) {
    c.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    c.until("354");
    c.send(std::string(size - 2, 'x') + "\r\n.\r\nNOOP\r\n");
    std::string out = c.until(size > 1000 ? "552" : "250");
    c.until("250");
    return out;
  };
  EXPECT_THAT(send(1000), HasSubstr("queued as"));
  EXPECT_EQ(send(1001), "552 5.3.4 Error: message file too big\r\n");
  EXPECT_THAT(send(200'000), StartsWith("552"));
  EXPECT_EQ(server.intake.abandoned, 2);
  EXPECT_TRUE(server.log.contains("warning: ABCDE2: queue file size limit exceeded"));
}

TEST(Session, OnlyExcludedClientsEndMessagesWithBareNewlines) {
  TestServer server;
  TestClient strict = server.greeted();
  strict.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  strict.until("354");
  strict.send("x\n.\nMAIL FROM:<smuggled@b>\r\n.\r\nQUIT\r\n");
  EXPECT_EQ(strict.rest(), "250 2.0.0 Ok: queued as ABCDE1\r\n221 2.0.0 Bye\r\n");
  EXPECT_EQ(server.intake.messages()[0].content, "x\r\nMAIL FROM:<smuggled@b>\r\n");
  server.access->lists[ClientList::bare_newlines] = {"127.0.0.1"};
  TestClient old = server.greeted();
  old.send("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n");
  old.until("354");
  old.send("x\n.\nQUIT\n");
  EXPECT_EQ(old.rest(), "250 2.0.0 Ok: queued as ABCDE2\r\n221 2.0.0 Bye\r\n");
}

TEST(Session, LogsHowClientsVanish) {
  TestServer server;
  {
    TestClient c = server.client();
    c.until("220");
  }
  EXPECT_TRUE(server.logged("lost connection after CONNECT from unknown[127.0.0.1]"));
  EXPECT_TRUE(server.logged("disconnect from unknown[127.0.0.1] commands=0/0"));
  {
    TestClient c = server.greeted();
    c.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    c.until("354");
    c.send("12345");
  }
  EXPECT_TRUE(server.logged("lost connection after DATA (5 bytes) from unknown[127.0.0.1]"));
  EXPECT_TRUE(server.logged("ehlo=1 mail=1 rcpt=1 data=0/1 commands=3/4"));
  EXPECT_EQ(server.intake.abandoned, 1);
  EXPECT_TRUE(server.intake.messages().empty());
}

TEST(Session, TimesOut) {
  TestServer server;
  server.service.settings.timeout = std::chrono::seconds{1};
  TestClient c = server.client();
  c.until("220");
  c.send("NO");
  EXPECT_EQ(c.rest(), "421 4.4.2 mx.example Error: timeout exceeded\r\n");
  EXPECT_TRUE(server.logged("timeout after CONNECT from unknown[127.0.0.1]"));
}

TEST(Session, ASlowCommandDoesNotGetMoreTimeByDribbling) {
  TestServer server;
  server.service.settings.timeout = std::chrono::seconds{1};
  TestClient c = server.client();
  c.until("220");
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 6; ++i) {
    c.send("N");
    std::this_thread::sleep_for(std::chrono::milliseconds{300});
  }
  EXPECT_THAT(c.rest(), StartsWith("421 4.4.2"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{5});
}

TEST(Session, TooManyErrorsEndIt) {
  TestServer server;
  server.service.settings.protocol.hard_error_limit = 2;
  TestClient c = server.greeted();
  c.ask("FOO", "500");
  EXPECT_EQ(c.ask("FOO", "421"),
            "500 5.5.2 Error: command not recognized\r\n421 4.7.0 mx.example Error: too many errors\r\n");
  EXPECT_TRUE(server.logged("too many errors after UNKNOWN from unknown[127.0.0.1]"));
  EXPECT_TRUE(server.logged("ehlo=1 unknown=0/2 commands=1/3"));
}

TEST(Session, ErrorsPastTheSoftLimitWait) {
  TestServer server;
  server.service.settings.protocol.soft_error_limit = 1;
  server.service.settings.protocol.error_sleep_time = std::chrono::seconds{1};
  TestClient c = server.greeted();
  c.ask("FOO", "500");
  const auto start = std::chrono::steady_clock::now();
  c.send("FOO\r\nMAIL FROM:<a@b>\r\n");
  EXPECT_THAT(c.until("250"), HasSubstr("500 5.5.2"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds{2});
}

TEST(Session, ProtocolAbuseIsLogged) {
  TestServer server;
  TestClient web = server.client();
  web.until("220");
  web.send("Subject: x\r\nHost: x\r\n");
  EXPECT_THAT(web.rest(), EndsWith("221 2.7.0 Error: I can break rules, too. Goodbye.\r\n"));
  EXPECT_TRUE(server.logged("warning: non-SMTP command from unknown[127.0.0.1]: Subject: x"));
  TestClient hasty = server.client();
  hasty.until("220");
  hasty.send("HELO x\r\nMAIL FROM:<a@b>\r\n");
  EXPECT_THAT(hasty.rest(), EndsWith("554 5.5.0 Error: SMTP protocol synchronization\r\n"));
  EXPECT_TRUE(server.logged("improper command pipelining after HELO from unknown[127.0.0.1]: MAIL FROM:<a@b>\\r\\n"));
  TestClient bad = server.greeted();
  bad.ask("MAIL FROM:<a@b", "501");
  EXPECT_TRUE(server.logged("warning: Illegal address syntax from unknown[127.0.0.1] in MAIL command: <a@b"));
}

TEST(Session, ListThatCannotBeReadIsToldAndTreatedAsSafe) {
  TestServer server;
  server.access->unreadable = {ClientList::debug};
  TestClient served = server.greeted();
  EXPECT_TRUE(server.logged("warning: a list: fail:x: table lookup problem"));
  for (const auto list : {ClientList::xclient, ClientList::xforward}) {
    server.access->unreadable = {list};
    TestClient refused = server.client();
    EXPECT_EQ(refused.rest(), "421 4.3.0 mx.example Server local data error\r\n");
  }
  EXPECT_TRUE(server.logged("warning: don't know what EHLO features to announce to unknown[127.0.0.1]"));
  server.access->unreadable.clear();
  server.access->hidden = fail(Errc::unavailable, "fail:x: table lookup problem");
  TestClient unsure = server.client();
  EXPECT_EQ(unsure.rest(), "421 4.3.0 mx.example Server local data error\r\n");
}

TEST(Session, LimitsConnections) {
  TestServer server;
  server.service.connections = std::make_shared<net::Limiter>(3);
  server.service.client_connections = std::make_shared<net::Limiter>(0, 2);
  TestClient first = server.greeted();
  TestClient second = server.greeted();
  {
    TestClient third = server.client();
    EXPECT_EQ(third.rest(), "421 4.7.0 mx.example Error: too many connections from 127.0.0.1\r\n");
  }
  EXPECT_TRUE(
      server.logged("warning: Connection concurrency limit exceeded: 3 from unknown[127.0.0.1] for service smtp"));
  EXPECT_TRUE(server.logged("disconnect from unknown[127.0.0.1] commands=0/0"));
  server.access->lists[ClientList::unlimited] = {"127.0.0.1"};
  TestClient own = server.greeted();
  TestClient over_total = server.client();
  EXPECT_THAT(over_total.rest(), StartsWith("421 4.7.0"));
  own.ask("QUIT", "221");
  own.rest();
  TestClient next = server.client();
  EXPECT_THAT(next.until("220"), StartsWith("220"));
}

TEST(Session, AStopEndsIdleSessionsAndLetsMessagesFinish) {
  TestServer server;
  TestClient idle = server.greeted();
  TestClient busy = server.greeted();
  busy.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  busy.until("354");
  busy.send("half");
  server.on_thread([&] { server.group->request_stop(); });
  EXPECT_EQ(idle.rest(), "421 4.3.2 mx.example Service is shutting down\r\n");
  busy.send("\r\n.\r\n");
  EXPECT_EQ(busy.rest(), "250 2.0.0 Ok: queued as ABCDE1\r\n421 4.3.2 mx.example Service is shutting down\r\n");
  EXPECT_EQ(server.intake.messages().size(), 1U);
  EXPECT_FALSE(server.log.contains("lost connection"));
}

TEST(Session, EachConcurrentSessionHasItsOwnNumber) {
  SessionNumbers numbers(10, 12);
  auto a = numbers.take();
  {
    auto b = numbers.take();
    auto c = numbers.take();
    EXPECT_EQ(a.number(), 10U);
    EXPECT_EQ(b.number(), 11U);
    EXPECT_EQ(c.number(), 12U);
  }
  EXPECT_EQ(numbers.take().number(), 11U);
  EXPECT_EQ(numbers.take().number(), 12U);
  EXPECT_EQ(numbers.take().number(), 11U);
}

TEST(SessionLog, EscapesWhatClientsSend) {
  EXPECT_EQ(escaped("a\r\n\t\\\x01\xff", 100), "a\\r\\n\\t\\\\\\001\\377");
  EXPECT_EQ(escaped("abc", 2), "ab");
}

}  // namespace
}  // namespace waypost::smtp_server
