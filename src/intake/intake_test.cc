#include "intake/intake.h"

#include <gtest/gtest.h>

#include "net/sync_wait.h"
#include "spool/memory_spool.h"
#include "tables/registry.h"

namespace waypost::intake {
namespace {

class IntakeTest : public testing::Test {
 protected:
  void SetUp() override {
    auto settings = std::make_shared<IntakeSettings>();
    settings->local_trace.myhostname = settings->headers.myhostname = "relay.example.com";
    routing::RouterSettings routes;
    routes.rewrite = {.myorigin = "example.com", .mydomain = "example.com"};
    settings->router = std::make_shared<const routing::Router>(
        routes, std::make_shared<const routing::Domains>(routing::DomainSettings{}, registry_));
    settings_ = settings;
    thread_.start();
    intake_ = std::make_unique<Intake>(Ports{spool_, clock_, Log(log_, "postfix/cleanup", 1), ids_,
                                             [this](Accepted accepted) { accepted_.push_back(std::move(accepted)); }},
                                       settings_);
  }
  void TearDown() override { thread_.stop(); }

  mail::Envelope envelope(std::vector<std::string> recipients = {"b@example.net"}) {
    mail::Envelope out;
    out.id = intake_->next_id();
    out.arrival = clock_.wall();
    out.sender = "a@example.org";
    for (auto& address : recipients) out.recipients.push_back({.address = std::move(address)});
    out.client_name = "client.example";
    out.client_address = "192.0.2.1";
    out.helo = "client";
    out.protocol = "ESMTP";
    return out;
  }
  Verdict submit(mail::Envelope message, std::string content, Completion completion = {}, Trace trace = {}) {
    return net::sync_wait(thread_,
                          intake_->submit(std::move(message), trace, std::move(completion), std::move(content)));
  }
  std::string stored(QueueId id) {
    auto reader = spool_.open(id);
    return reader ? (*reader)->read(0, 1 << 26).value() : "(nothing stored)";
  }

  ManualClock clock_;
  CapturingLog log_;
  spool::MemorySpool spool_;
  QueueIdSource ids_{0x1000};
  tables::TableRegistry registry_{Log(log_, "test", 1), clock_};
  net::IoThread thread_{0};
  std::shared_ptr<IntakeSettings> settings_;
  std::unique_ptr<Intake> intake_;
  std::vector<Accepted> accepted_;
};

TEST_F(IntakeTest, StoresTheMessageBehindItsTraceHeader) {
  const auto verdict = submit(envelope(), "Message-ID: <x@y>\r\nSubject: s\r\n\r\nbody\r\n");
  ASSERT_FALSE(verdict.refusal);
  const auto text = stored(verdict.id);
  EXPECT_TRUE(text.starts_with(
      "Received: from client (client.example [192.0.2.1])\r\n\tby relay.example.com (Postfix) with ESMTP id " +
      verdict.id.text() + "\r\n\tfor <b@example.net>; "))
      << text;
  EXPECT_TRUE(text.ends_with("\r\nMessage-ID: <x@y>\r\nSubject: s\r\n\r\nbody\r\n")) << text;
  ASSERT_EQ(accepted_.size(), 1U);
  EXPECT_EQ(accepted_[0].size, text.size());
  EXPECT_TRUE(log_.contains("postfix/cleanup: " + verdict.id.text() + ": message-id=<x@y>"));
}

TEST_F(IntakeTest, LeavesRemoteMessagesIncompleteButDropsBcc) {
  const auto verdict =
      submit(envelope(), "Bcc: secret@example.net\r\nSubject: s\r\nReturn-Path: <x@y>\r\n\r\nbody\r\n");
  EXPECT_TRUE(stored(verdict.id).ends_with(")\r\nSubject: s\r\n\r\nbody\r\n")) << stored(verdict.id);
  EXPECT_TRUE(log_.contains("message-id=<>"));
}

TEST_F(IntakeTest, CompletesLocalSubmissions) {
  auto local = envelope();
  const auto id = local.id.text();
  const auto verdict = submit(std::move(local), "To: b@example.net\n\nhi\n", Completion{true, "Some App"},
                              Trace{.origin = Origin::local_user, .uid = 1000});
  const auto text = stored(verdict.id);
  EXPECT_TRUE(text.starts_with("Received: by relay.example.com (Postfix, from userid 1000)\r\n\tid " + id + "; "))
      << text;
  EXPECT_NE(text.find("\r\nTo: b@example.net\r\nMessage-Id: <20231114221320." + id + "@relay.example.com>\r\nDate: "),
            std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with("\r\nFrom: Some App <a@example.org>\r\n\r\nhi\r\n")) << text;
}

TEST_F(IntakeTest, SeparatesABodyThatHasNoHeaders) {
  const auto verdict = submit(envelope(), "just text\r\nmore\r\n");
  EXPECT_TRUE(stored(verdict.id).ends_with(")\r\n\r\njust text\r\nmore\r\n")) << stored(verdict.id);
}

TEST_F(IntakeTest, AFirstLineThatBeginsWithABlankDoesNotContinueTheTraceHeader) {
  const auto verdict = submit(envelope(), "\tby forged.example; yesterday\r\nSubject: s\r\n\r\nbody\r\n");
  EXPECT_TRUE(stored(verdict.id).ends_with(")\r\n\r\n\tby forged.example; yesterday\r\nSubject: s\r\n\r\nbody\r\n"))
      << stored(verdict.id);
}

TEST_F(IntakeTest, AMailboxSeparatorBecomesAHeader) {
  const auto verdict = submit(envelope(), "From me Mon Nov 23 16:48:05 2026\r\nSubject: s\r\n\r\nbody\r\n");
  EXPECT_TRUE(stored(verdict.id)
                  .ends_with(")\r\nX-Mailbox-Line: From me Mon Nov 23 16:48:05 2026\r\nSubject: s\r\n\r\nbody\r\n"))
      << stored(verdict.id);
}

TEST_F(IntakeTest, MakesAddressesCompleteAndRemovesDuplicates) {
  const auto verdict = submit(envelope({"root", "root@example.com", "x@example.net"}), "Subject: s\r\n\r\n");
  const auto& recipients = accepted_.at(0).envelope->recipients;
  ASSERT_EQ(recipients.size(), 2U);
  EXPECT_EQ(recipients[0].address, "root@example.com");
  EXPECT_EQ(recipients[0].original, "root");
  EXPECT_EQ(recipients[1].original, "");
}

TEST_F(IntakeTest, RefusesAtTheSizeLimitPlusOne) {
  settings_->message_size_limit = 20;
  EXPECT_FALSE(submit(envelope(), "Subject: s\r\n\r\nxxxx\r\n").refusal);
  const auto verdict = submit(envelope(), "Subject: s\r\n\r\nxxxxx\r\n");
  ASSERT_TRUE(verdict.refusal);
  EXPECT_EQ(verdict.refusal->code, 552);
  EXPECT_EQ(accepted_.size(), 1U);
}

TEST_F(IntakeTest, DropsFieldsHoweverManyAreBeforeThem) {
  std::string content;
  while (content.size() < 150'000) content += "X-Filler: " + std::string(60, 'x') + "\r\n";
  const auto verdict = submit(envelope(), content + "Bcc: secret@example.net\r\nSubject: s\r\n\r\nBcc: body\r\n");
  EXPECT_TRUE(stored(verdict.id).ends_with("x\r\nSubject: s\r\n\r\nBcc: body\r\n"));
}

TEST_F(IntakeTest, CutsFieldsAtTheHeaderSizeLimit) {
  settings_->headers.size_limit = 16;
  const auto verdict = submit(envelope(),
                              "Subject: 1234567\r\nX-A: 89012345678\r\nX-B: 2345678\r\n one\r\n"
                              "X-C: 23456789012\r\n 4\r\nX-D: end\r\n\r\nSubject: 1234567890\r\n");
  EXPECT_TRUE(
      stored(verdict.id)
          .ends_with(
              "\r\nSubject: 1234567\r\nX-A: 89012345678\r\nX-B: 2345678\r\n on\r\nX-C: 23456789012\r\nX-D: end\r\n\r\n"
              "Subject: 1234567890\r\n"))
      << stored(verdict.id);
}

TEST_F(IntakeTest, RefusesALoop) {
  std::string content;
  for (int i = 0; i < 49; ++i) content += "Received: x\r\n";
  const auto verdict = submit(envelope(), content + "\r\n");
  ASSERT_TRUE(verdict.refusal);
  EXPECT_EQ(verdict.refusal->text, "Error: too many hops");
}

TEST_F(IntakeTest, StreamsALargeMessageAndKeepsEveryByte) {
  std::string body = "Subject: big\r\n\r\n";
  while (body.size() < 3 * spool::kStreamThreshold) body += "0123456789012345678901234567890123456789\r\n";
  const auto verdict = submit(envelope(), body);
  ASSERT_FALSE(verdict.refusal);
  EXPECT_TRUE(stored(verdict.id).ends_with(body));
  EXPECT_EQ(accepted_.at(0).content, nullptr);
  EXPECT_EQ(accepted_.at(0).size, stored(verdict.id).size());
}

}  // namespace
}  // namespace waypost::intake
