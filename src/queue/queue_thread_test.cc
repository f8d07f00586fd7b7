#include "queue/queue_thread.h"

#include <atomic>
#include <future>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

namespace waypost::queue {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Transports, spool and notices that answer from threads of their own.
class AnsweringPorts final : public Ports {
 public:
  void deliver(delivery::Request request) override {
    ++delivered;
    if (hang) return;
    workers_.emplace_back([this, request = std::move(request)] {
      delivery::Report report{.serial = request.serial};
      for (const auto r : request.recipients) {
        const bool fail = request.envelope->id.number() % 5 == 0;
        report.outcomes.push_back({.recipient = r,
                                   .status = fail ? delivery::Status::bounced : delivery::Status::sent,
                                   .dsn = fail ? "5.0.0" : "2.0.0"});
      }
      queue->finished(std::move(report));
    });
  }
  void activate(QueueId id) override {
    workers_.emplace_back([this, id] {
      auto envelope = std::make_shared<mail::Envelope>();
      envelope->id = id;
      envelope->recipients = {{.address = "a@example.com"}};
      queue->activated({.id = id, .arrival = {.envelope = envelope, .recipients = {{0, "smtp", "example.com"}}}});
    });
  }
  void record(QueueId, mail::Progress) override { ++recorded; }
  void amend(QueueId, const mail::Progress&) override {}
  void remove(QueueId) override { ++removed; }
  void notify(NoticeRequest request) override {
    workers_.emplace_back([this, id = request.envelope->id] { queue->notified(id, true); });
  }
  void join() {
    for (auto& worker : workers_) worker.join();
    workers_.clear();
  }

  QueueThread* queue = nullptr;
  std::atomic<int> delivered = 0, removed = 0, recorded = 0;
  bool hang = false;

 private:
  std::vector<std::thread> workers_;  // only the queue's thread adds; joined after it has ended
};

class QueueThreadTest : public testing::Test {
 protected:
  QueueThreadTest() { ports_.queue = &queue_; }
  ~QueueThreadTest() override {
    queue_.stop(seconds{5});
    ports_.join();
  }
  static Arrival message(std::uint64_t number) {
    auto envelope = std::make_shared<mail::Envelope>();
    envelope->id = QueueId(1, number);
    envelope->arrival = SystemClock{}.wall();
    envelope->sender = "s@example.org";
    envelope->recipients = {{.address = "a@example.com"}};
    return {.envelope = envelope, .recipients = {{0, "smtp", "d" + std::to_string(number % 7) + ".example"}}};
  }
  template <class Condition>
  static bool eventually(Condition condition) {
    for (int i = 0; i < 20'000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds{1});
    return condition();
  }
  Counts counts() {
    std::promise<Counts> answer;
    queue_.counts([&](Counts c) { answer.set_value(c); });
    return answer.get_future().get();
  }

  NullLog log_;
  SystemClock clock_;
  AnsweringPorts ports_;
  QueueThread queue_{
      std::make_shared<Settings>(), ports_, {Log(log_, "postfix/qmgr", 1), Log(log_, "postfix/error", 1)}, clock_};
};

TEST_F(QueueThreadTest, DeliversWhatManyThreadsAdd) {
  for (std::uint64_t n = 1; n <= 20; ++n) queue_.add_stored({.id = QueueId(2, n), .attempts = 1});
  queue_.start();
  std::vector<std::thread> sessions;
  for (std::uint64_t t = 0; t < 4; ++t) {
    sessions.emplace_back([&, t] {
      for (std::uint64_t n = 0; n < 50; ++n) {
        queue_.add(message(1 + t * 50 + n));
        if (n % 10 == 0) queue_.list([](std::vector<QueueItem>, bool) {});
      }
    });
  }
  for (auto& session : sessions) session.join();
  EXPECT_TRUE(eventually([&] { return ports_.removed == 220; }));
  EXPECT_EQ(counts().active, 0U);
  EXPECT_TRUE(queue_.stop(seconds{5}));
  EXPECT_EQ(ports_.recorded, 0);
}

TEST_F(QueueThreadTest, AnswersCommandsAndListsInPieces) {
  for (std::uint64_t n = 1; n <= 2'500; ++n) queue_.add_stored({.id = QueueId(2, n), .held = true});
  queue_.start();
  std::promise<void> done;
  std::set<QueueId> seen;
  std::vector<std::size_t> pieces;
  queue_.list([&](std::vector<QueueItem> items, bool last) {
    pieces.push_back(items.size());
    for (const auto& item : items) seen.insert(item.id);
    if (last) done.set_value();
  });
  done.get_future().get();
  EXPECT_EQ(seen.size(), 2'500U);
  EXPECT_EQ(pieces, (std::vector<std::size_t>{1'000, 1'000, 500}));
  std::promise<std::size_t> removed;
  queue_.command_all(Action::remove, [&](std::size_t n) { removed.set_value(n); });
  EXPECT_EQ(removed.get_future().get(), 2'500U);
  std::promise<Answer> answer;
  queue_.command(Action::hold, QueueId(9, 9), [&](Answer a) { answer.set_value(a); });
  EXPECT_EQ(answer.get_future().get(), Answer::not_found);
}

TEST_F(QueueThreadTest, StopGivesUpOnDeliveriesThatHang) {
  ports_.hang = true;
  queue_.start();
  queue_.add(message(1));
  EXPECT_TRUE(eventually([&] { return ports_.delivered == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(queue_.stop(milliseconds{100}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds{5});
}

TEST_F(QueueThreadTest, StopBeforeStartIsHarmless) { EXPECT_FALSE(queue_.stop(seconds{1})); }

}  // namespace
}  // namespace waypost::queue
