// Random mail, random trouble, random operators: whatever happens, each recipient ends exactly once, and no limit is
// exceeded on the way.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "queue/scheduler_fixture.h"

namespace waypost::queue {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SchedulerPropertyTest : public SchedulerFixture {
 protected:
  using Key = std::pair<QueueId, std::uint32_t>;  // a recipient

  std::uint32_t draw(std::uint32_t below) { return random_() % below; }

  void add_random_message() {
    std::vector<std::string> nexthops(1 + draw(12));
    for (auto& n : nexthops) n = "d" + std::to_string(draw(6)) + ".example";
    Arrival arrival = message(nexthops, draw(10) == 0 ? "" : "s@example.org");
    for (auto& r : arrival.recipients) r.transport = draw(3) == 0 ? "relay" : "smtp";
    arrival.held = draw(20) == 0;
    known_[arrival.envelope->id] = arrival;
    for (const auto& r : arrival.recipients) open_.insert({arrival.envelope->id, r.index});
    scheduler_->add(std::move(arrival), now());
  }

  // Takes over what was handed out and checks it against every limit.
  void collect() {
    for (; !ports_.deliveries.empty(); ports_.deliveries.pop_front()) {
      delivery::Request& request = ports_.deliveries.front();
      const TransportSettings& t = settings_.transport(request.transport);
      ASSERT_FALSE(request.recipients.empty());
      ASSERT_LE(request.recipients.size(), t.destination_recipient_limit);
      for (const std::uint32_t r : request.recipients) {
        const Key key{request.envelope->id, r};
        ASSERT_TRUE(open_.contains(key)) << "attempted after its end";
        ASSERT_TRUE(under_way_.insert(key).second) << "attempted twice at once";
      }
      ASSERT_LE(++lane_busy_[std::pair(request.transport, request.nexthop)], t.destination_concurrency_limit);
      ASSERT_LE(++transport_busy_[request.transport], t.process_limit);
      flights_.push_back(std::move(request));
    }
    ASSERT_LE(scheduler_->counts().active, settings_.active_limit);
  }

  void end_of(const Key& key) { ASSERT_EQ(open_.erase(key), 1U) << "ended twice"; }

  void finish(std::size_t at, bool all_well) {
    std::swap(flights_[at], flights_.back());
    const delivery::Request request = std::move(flights_.back());
    flights_.pop_back();
    --lane_busy_[{request.transport, request.nexthop}];
    --transport_busy_[request.transport];
    delivery::Report report{.serial = request.serial};
    const bool site_down = !all_well && draw(4) == 0;
    if (site_down) {
      report.health = delivery::LaneHealth::site_failure;
      report.health_dsn = "4.4.1";
      report.health_text = "down";
    }
    for (const std::uint32_t r : request.recipients) {
      const Key key{request.envelope->id, r};
      under_way_.erase(key);
      const std::uint32_t luck = all_well ? 9 : draw(10);
      if (site_down || luck < 3) {
        report.outcomes.push_back({.recipient = r, .status = delivery::Status::deferred, .dsn = "4.0.0", .text = "no"});
      } else if (luck == 3) {
        report.outcomes.push_back({.recipient = r, .status = delivery::Status::bounced, .dsn = "5.0.0", .text = "no"});
      } else if (luck == 4) {
        continue;  // the agent forgot it
      } else {
        report.outcomes.push_back({.recipient = r, .status = delivery::Status::sent, .dsn = "2.0.0", .text = "ok"});
        if (!removed_.contains(request.envelope->id)) end_of(key);
      }
    }
    scheduler_->finished(std::move(report), now());
  }

  void answer_notices(bool all_well) {
    for (const NoticeRequest& notice : std::exchange(ports_.notices, {})) {
      if (notice.kind != NoticeRequest::Kind::failure) continue;
      const QueueId id = notice.envelope->id;
      if (removed_.contains(id)) continue;
      const bool ok = all_well || draw(5) != 0;
      for (const auto& outcome : notice.outcomes) {
        if (ok) end_of({id, outcome.recipient});
      }
      scheduler_->notified(id, ok, now());
    }
  }

  void disturb() {
    const QueueId id(1, 1 + draw(static_cast<std::uint32_t>(next_id_)));
    const auto action = static_cast<Action>(draw(6));
    if (action == Action::remove && draw(10) != 0) return;
    const Answer answer = scheduler_->command(action, id, now());
    if (action != Action::remove || answer != Answer::done) return;
    removed_.insert(id);
    std::erase_if(open_, [&](const Key& key) { return key.first == id; });
  }

  void step(bool all_well) {
    const std::uint32_t what = draw(10);
    if (what < 2 && !all_well) add_random_message();
    if (what >= 2 && what < 7 && !flights_.empty()) finish(draw(static_cast<std::uint32_t>(flights_.size())), all_well);
    if (what == 7) answer_activations();
    if (what == 8) answer_notices(all_well);
    if (what == 9) advance(milliseconds{draw(120'000)});
    if (!all_well && draw(8) == 0) disturb();
    if (!all_well && draw(500) == 0) scheduler_->command_all(Action::flush, now());
    collect();
  }

  void run(std::uint32_t seed) {
    random_.seed(seed);
    settings_.active_limit = 30;
    settings_.queue_run_delay = seconds{30};
    settings_.minimal_backoff = seconds{60};
    settings_.maximal_queue_lifetime = seconds{20'000};
    settings_.delay_warning_time = seconds{500};
    settings_.defaults = {.destination_concurrency_limit = 6, .destination_recipient_limit = 3, .process_limit = 12};
    settings_.transports["relay"] = {.destination_concurrency_limit = 1,
                                     .destination_recipient_limit = 2,
                                     .destination_rate_delay = seconds{1},
                                     .process_limit = 2};
    restart();
    for (int i = 0; i < 20'000 && !HasFatalFailure(); ++i) step(false);
    scheduler_->command_all(Action::release, now());
    for (int i = 0; i < 200'000 && !HasFatalFailure() && scheduler_->list(0, 1).items.size() == 1; ++i) step(true);
    EXPECT_TRUE(open_.empty()) << open_.size() << " recipients never ended";
    const Counts counts = scheduler_->counts();
    EXPECT_EQ(counts.incoming + counts.active + counts.deferred + counts.held, 0U);
    while (!flights_.empty()) finish(0, true);
    EXPECT_TRUE(scheduler_->idle());
    // Suspended and paused lanes go when their time has come.
    advance(seconds{100});
    EXPECT_EQ(scheduler_->counts().lanes, 0U);
  }

  std::mt19937 random_;
  std::set<Key> open_, under_way_;
  std::set<QueueId> removed_;
  std::vector<delivery::Request> flights_;
  std::map<std::pair<std::string, std::string>, int> lane_busy_;
  std::map<std::string, int> transport_busy_;
};

class SeededTest : public SchedulerPropertyTest, public testing::WithParamInterface<std::uint32_t> {};

TEST_P(SeededTest, EachRecipientEndsExactlyOnceWithinAllLimits) { run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Seeds, SeededTest, testing::Range(1U, 9U));

}  // namespace
}  // namespace waypost::queue
