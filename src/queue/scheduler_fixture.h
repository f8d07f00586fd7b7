// For the scheduler's tests: ports that remember what was asked, and simulated time.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/assert.h"
#include "queue/scheduler.h"

namespace waypost::queue {

class RecordingPorts final : public Ports {
 public:
  void deliver(delivery::Request request) override { deliveries.push_back(std::move(request)); }
  void activate(QueueId id) override { activations.push_back(id); }
  void record(QueueId id, mail::Progress progress) override {
    ++records;
    stored[id] = std::move(progress);
  }
  void amend(QueueId id, const mail::Progress& marks) override {
    mail::Progress& p = stored[id];
    p.next_attempt = marks.next_attempt;
    p.held = marks.held;
    p.force_expire = marks.force_expire;
  }
  void remove(QueueId id) override { removed.push_back(id); }
  void notify(NoticeRequest request) override { notices.push_back(std::move(request)); }

  std::deque<delivery::Request> deliveries;
  std::vector<QueueId> activations, removed;
  std::map<QueueId, mail::Progress> stored;
  std::vector<NoticeRequest> notices;
  int records = 0;
};

class SchedulerFixture : public testing::Test {
 protected:
  void restart() {
    scheduler_.emplace(std::make_shared<const Settings>(settings_), ports_,
                       Scheduler::Logs{Log(log_, "postfix/qmgr", 1), Log(log_, "postfix/error", 2)}, now());
  }
  void SetUp() override { restart(); }
  Instant now() const { return {clock_.wall(), clock_.mono()}; }
  void advance(Duration by) {
    clock_.advance(by);
    scheduler_->advance(now());
  }

  // A message for user0@..., user1@... , one recipient a nexthop given.
  Arrival message(const std::vector<std::string>& nexthops, std::string sender = "s@example.org") {
    auto envelope = std::make_shared<mail::Envelope>();
    envelope->id = QueueId(1, next_id_++);
    envelope->arrival = clock_.wall();
    envelope->sender = std::move(sender);
    Arrival arrival{.size = 1'000};
    for (std::uint32_t i = 0; i < nexthops.size(); ++i) {
      envelope->recipients.push_back({.address = "user" + std::to_string(i) + "@" + nexthops[i]});
      arrival.recipients.push_back({i, "smtp", nexthops[i]});
    }
    arrival.envelope = std::move(envelope);
    known_[arrival.envelope->id] = arrival;
    return arrival;
  }
  QueueId add(const std::vector<std::string>& nexthops, std::string sender = "s@example.org") {
    Arrival arrival = message(nexthops, std::move(sender));
    const QueueId id = arrival.envelope->id;
    scheduler_->add(std::move(arrival), now());
    return id;
  }
  delivery::Request take() {
    WAYPOST_ASSERT(!ports_.deliveries.empty());
    delivery::Request request = std::move(ports_.deliveries.front());
    ports_.deliveries.pop_front();
    return request;
  }
  static delivery::Report report(const delivery::Request& request, delivery::Status status, std::string dsn,
                                 std::string text) {
    delivery::Report out{.serial = request.serial};
    for (const std::uint32_t r : request.recipients) {
      out.outcomes.push_back({.recipient = r, .status = status, .dsn = dsn, .text = text});
    }
    return out;
  }
  void sent(const delivery::Request& r) {
    scheduler_->finished(report(r, delivery::Status::sent, "2.0.0", "250 ok"), now());
  }
  void deferred(const delivery::Request& r) {
    scheduler_->finished(report(r, delivery::Status::deferred, "4.2.1", "greylisted"), now());
  }
  void bounced(const delivery::Request& r) {
    scheduler_->finished(report(r, delivery::Status::bounced, "5.1.1", "no such user"), now());
  }
  void site_failed(const delivery::Request& r) {
    delivery::Report out = report(r, delivery::Status::deferred, "4.4.1", "connect to x: Connection refused");
    out.health = delivery::LaneHealth::site_failure;
    out.health_dsn = "4.4.1";
    out.health_text = "connect to x: Connection refused";
    scheduler_->finished(std::move(out), now());
  }
  // Loads and routes what the scheduler asked for.
  void answer_activations() {
    for (const QueueId id : std::exchange(ports_.activations, {})) {
      scheduler_->activated({.id = id, .arrival = known_.at(id), .progress = ports_.stored[id]}, now());
    }
  }
  Reason reason(QueueId id) const { return scheduler_->describe(id)->reason; }
  State state(QueueId id) const { return scheduler_->describe(id)->state; }
  bool exists(QueueId id) const { return scheduler_->describe(id).has_value(); }

  Settings settings_{.queue_run_delay = std::chrono::seconds{0}};
  ManualClock clock_;
  CapturingLog log_;
  RecordingPorts ports_;
  std::map<QueueId, Arrival> known_;
  std::uint64_t next_id_ = 1;
  std::optional<Scheduler> scheduler_;
};

}  // namespace waypost::queue
