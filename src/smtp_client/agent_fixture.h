// For tests: an SmtpAgent on one io thread with fast time-outs, and everything it needs.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "dns/fake_resolver.h"
#include "smtp_client/smtp_agent.h"
#include "smtp_client/test_server.h"

namespace waypost::smtp_client {

class StringBody final : public delivery::BodySource {
 public:
  StringBody(std::string text, bool cached)
      : text_(std::make_shared<const std::string>(std::move(text))), cached_(cached) {}
  std::uint64_t size() const override { return text_->size(); }
  std::shared_ptr<const std::string> cached() const override { return cached_ ? text_ : nullptr; }
  std::optional<std::string> read(std::uint64_t offset, std::size_t limit) override {
    if (fails) return std::nullopt;
    return text_->substr(offset, limit);
  }
  bool fails = false;

 private:
  std::shared_ptr<const std::string> text_;
  bool cached_;
};

class AgentFixture : public testing::Test {
 protected:
  AgentFixture() {
    settings_.my_hostname = "relay.example";
    settings_.timeouts = {.connect = std::chrono::seconds(2),
                          .helo = std::chrono::seconds(1),
                          .starttls = std::chrono::seconds(1),
                          .mail = std::chrono::seconds(1),
                          .rcpt = std::chrono::seconds(1),
                          .data_init = std::chrono::seconds(1),
                          .data_xfer = std::chrono::seconds(2),
                          .data_done = std::chrono::seconds(1)};
    body_ = std::make_shared<StringBody>("Subject: x\r\n\r\nhello\r\n", true);
    threads_.start();
  }
  ~AgentFixture() override {
    if (agent_) agent_->stop(clock_.mono() + std::chrono::seconds(5));
    agent_.reset();
    threads_.stop();
  }

  SmtpAgent& agent() {
    if (!agent_) {
      agent_ = std::make_unique<SmtpAgent>(AgentEnvironment{.threads = threads_,
                                                            .names = {.dns = &resolver_, .native = &resolver_},
                                                            .blocking = blocking_,
                                                            .clock = clock_,
                                                            .log = Log(log_, "postfix/smtp", 1),
                                                            .next_pid = [this] { return ++pid_; }},
                                           std::make_shared<const ClientSettings>(settings_));
    }
    return *agent_;
  }

  delivery::Request request(const std::string& nexthop, std::vector<std::string> recipients) {
    mail::Envelope envelope;
    envelope.id = QueueId(0, 0xABCDEF);
    envelope.sender = sender_;
    envelope.encoding = encoding_;
    envelope.arrival = clock_.wall() - age_;
    delivery::Request request;
    for (std::uint32_t i = 0; i < recipients.size(); ++i) {
      envelope.recipients.push_back({.address = recipients[i]});
      request.recipients.push_back(i);
    }
    request.serial = ++serial_;
    request.transport = "smtp";
    request.nexthop = nexthop;
    request.envelope = std::make_shared<const mail::Envelope>(std::move(envelope));
    request.body = body_;
    request.active_since = request.started = clock_.wall();
    request.more_waiting = more_waiting_;
    return request;
  }

  delivery::Report deliver(const std::string& nexthop, std::vector<std::string> recipients = {"b@test"}) {
    auto promise = std::make_shared<std::promise<delivery::Report>>();
    auto answer = promise->get_future();
    agent().deliver(request(nexthop, std::move(recipients)),
                    [promise](delivery::Report report) { promise->set_value(std::move(report)); });
    if (answer.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
      ADD_FAILURE() << "no report";
      return {};
    }
    return answer.get();
  }

  // "sent 2.0.0 TEXT" of the only recipient.
  std::string outcome(const delivery::Report& report, std::size_t index = 0) {
    if (report.outcomes.size() <= index) return "missing";
    const auto& outcome = report.outcomes[index];
    static constexpr const char* kWords[] = {"sent", "deferred", "bounced"};
    return std::string(kWords[static_cast<int>(outcome.status)]) + " " + outcome.dsn + " " + outcome.text;
  }

  SystemClock clock_;
  CapturingLog log_;
  dns::FakeResolver resolver_;
  net::BlockingPool blocking_{2, 100};
  net::IoThreads threads_{1};
  ClientSettings settings_;
  std::shared_ptr<StringBody> body_;
  std::string sender_ = "a@example.com";
  Duration age_ = std::chrono::seconds(1);
  mail::BodyEncoding encoding_ = mail::BodyEncoding::unspecified;
  bool more_waiting_ = false;
  std::atomic<std::uint32_t> pid_{100};
  std::uint64_t serial_ = 0;
  std::unique_ptr<SmtpAgent> agent_;
};

}  // namespace waypost::smtp_client
