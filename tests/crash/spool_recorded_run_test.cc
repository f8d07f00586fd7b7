// A run with many messages, delivery states, removals and reclamation is recorded call by call. Then the power is cut
// after each call, with what was not synced lost, torn or reordered, and the spool is opened on what is left.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <thread>
#include <variant>

#include "spool_ledger.h"

namespace waypost::spool::crash {
namespace {

struct Mark {
  enum Kind { submitted, accepted, refused, state, removal } kind = submitted;
  QueueId id;
  std::size_t value = 0;
};
using Moment = std::variant<Event, Mark>;

// Calls and answers in the order in which they happened.
class Recording {
 public:
  explicit Recording(FaultFileSystem& files) {
    files.set_observer([this](const Event& event) { add(event); });
  }
  void add(Moment moment) {
    const std::lock_guard lock(mutex_);
    moments_.push_back(std::move(moment));
  }
  std::vector<Moment> take() {
    const std::lock_guard lock(mutex_);
    return std::move(moments_);
  }

 private:
  std::mutex mutex_;
  std::vector<Moment> moments_;
};

class Session {
 public:
  Session(SegmentSpool& spool, Recording& recording, std::uint64_t first)
      : spool_(spool), recording_(recording), random_(first), next_(first) {}

  void run(int messages) {
    for (int i = 0; i < messages; ++i) {
      const QueueId id(0, next_++);
      const std::size_t size = random_() % 10 == 0 ? 20'000 + random_() % 40'000 : random_() % 6000;
      commit(id, size);
      if (random_() % 3 == 0) record(id, 1 + static_cast<std::uint32_t>(random_() % 5));
      if (random_() % 10 != 0)
        remove(id);
      else
        kept_.push_back(id);
      if (!kept_.empty() && random_() % 4 == 0) record(kept_[random_() % kept_.size()], ++attempts_ + 10);
      if (kept_.size() > 8) {
        remove(kept_.front());
        kept_.erase(kept_.begin());
      }
    }
  }

 private:
  void commit(QueueId id, std::size_t size) {
    recording_.add(Mark{Mark::submitted, id, size});
    const std::string body = body_of(id, size);
    auto incoming = spool_.begin(id);
    std::size_t at = 0;
    for (; body.size() - at > 20'000; at += 10'000) {
      if (!wait([&](Done done) {
            incoming->append(std::make_shared<const std::string>(body.substr(at, 10'000)), std::move(done));
          }))
        break;
    }
    const auto last = std::make_shared<const std::string>(body.substr(at));
    const auto result = wait([&](Done done) { incoming->commit(envelope_of(id), last, std::move(done)); });
    recording_.add(Mark{result ? Mark::accepted : Mark::refused, id, 0});
  }
  void record(QueueId id, std::uint32_t attempts) {
    recording_.add(Mark{Mark::state, id, attempts});
    mail::Progress progress;
    progress.attempts = attempts;
    spool_.record(id, progress);
  }
  void remove(QueueId id) {
    recording_.add(Mark{Mark::removal, id, 0});
    spool_.remove(id);
  }
  static Result<> wait(const std::function<void(Done)>& start) {
    std::promise<Result<>> answer;
    auto future = answer.get_future();
    start([&](Result<> result) { answer.set_value(std::move(result)); });
    return future.get();
  }

  SegmentSpool& spool_;
  Recording& recording_;
  std::mt19937_64 random_;
  std::uint64_t next_;
  std::uint32_t attempts_ = 0;
  std::vector<QueueId> kept_;
};

// Keeps the expectation up to the moment that is played. What was asked by a session before it began a commit that was
// then accepted is durable: it went along with that commit at the latest.
class Expecting {
 public:
  const Expectation& now() const { return expected_; }

  void apply(const Mark& mark) {
    auto& message = expected_.messages[mark.id];
    const std::uint64_t session = mark.id.number() / kSessionIds;
    switch (mark.kind) {
      case Mark::submitted:
        message.size = mark.value;
        promised_[session] = std::exchange(asked_[session], {});
        return;
      case Mark::accepted:
        message.accepted = true;
        for (const Mark& kept : promised_[session]) keep(kept);
        promised_[session].clear();
        return;
      case Mark::refused:
        message.refused = true;
        return;
      case Mark::state:
        message.states.insert(static_cast<std::uint32_t>(mark.value));
        asked_[session].push_back(mark);
        return;
      case Mark::removal:
        message.removal_asked = true;
        asked_[session].push_back(mark);
        return;
    }
  }

  static constexpr std::uint64_t kSessionIds = 100'000;

 private:
  void keep(const Mark& mark) {
    auto& message = expected_.messages[mark.id];
    if (mark.kind == Mark::removal) message.removal_kept = true;
    // Attempts of one message may go down once, from above 10 they only rise.
    if (mark.kind == Mark::state && mark.value > 10) message.state_kept = static_cast<std::uint32_t>(mark.value);
  }

  Expectation expected_;
  std::map<std::uint64_t, std::vector<Mark>> asked_, promised_;
};

std::vector<Moment> record_run(bool sync_is_a_lie, int sessions, int messages, std::uint64_t& reclaimed,
                               std::uint64_t& copied) {
  FaultFileSystem files;
  Recording recording(files);
  files.set_sync_is_a_lie(sync_is_a_lie);
  NullLog log;
  auto spool = open_spool(kDirectory, crash_settings(), files, Log(log, "postfix/qmgr", 1));
  EXPECT_TRUE(spool);
  EXPECT_TRUE((*spool)->scan([](StoredMessage) {}));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < sessions; ++i)
      threads.emplace_back([&, i] {
        Session(**spool, recording, 1 + static_cast<std::uint64_t>(i) * Expecting::kSessionIds).run(messages);
      });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(600));  // a turn of the reclaimer
  reclaimed = (*spool)->counters().reclaimed_segments;
  copied = (*spool)->counters().copied_bytes;
  (*spool)->stop();
  return recording.take();
}

struct Cuts {
  std::uint64_t checked = 0, complaints = 0;
};

// Every `step`-th call is followed by a power cut of each kind.
Cuts cut_everywhere(const std::vector<Moment>& moments, std::size_t step, bool report) {
  Cuts cuts;
  FaultFileSystem disk;
  Expecting expecting;
  std::mt19937_64 random(7);
  std::size_t calls = 0;
  for (const Moment& moment : moments) {
    if (const Mark* mark = std::get_if<Mark>(&moment)) {
      expecting.apply(*mark);
      continue;
    }
    disk.apply(std::get<Event>(moment));
    if (++calls % step != 0) continue;
    for (const Loss loss : {Loss::all, Loss::nothing, Loss::torn_tail, Loss::sectors}) {
      const auto left = disk.after_power_cut(loss, random);
      const auto complaints = check(*left, expecting.now(), true);
      ++cuts.checked;
      cuts.complaints += complaints.size();
      if (report && !complaints.empty())
        ADD_FAILURE() << "call " << calls << ", loss " << static_cast<int>(loss) << ": " << complaints.front()
                      << " (and " << complaints.size() - 1 << " more)";
      if (report && cuts.complaints > 20) return cuts;
    }
  }
  return cuts;
}

TEST(SpoolCrash, NothingIsLostAtAnyMomentOfARecordedRun) {
  std::uint64_t reclaimed = 0, copied = 0;
  const auto moments = record_run(false, 3, 120, reclaimed, copied);
  EXPECT_GT(reclaimed, 10U);
  EXPECT_GT(copied, 0U);
  const auto calls = static_cast<std::size_t>(
      std::ranges::count_if(moments, [](const Moment& moment) { return std::holds_alternative<Event>(moment); }));
  constexpr std::size_t kCuts = 700;
  const std::size_t wanted = thinning() == 0 ? calls : kCuts / thinning();
  const Cuts cuts = cut_everywhere(moments, std::max<std::size_t>(1, calls / wanted), true);
  RecordProperty("power_cuts", static_cast<int>(cuts.checked));
  EXPECT_GE(cuts.checked, wanted);
}

TEST(SpoolCrash, TheTestNoticesAMissingSync) {
  std::uint64_t reclaimed = 0, copied = 0;
  const auto moments = record_run(true, 2, 40, reclaimed, copied);
  EXPECT_GT(cut_everywhere(moments, 25, false).complaints, 0U);
}

}  // namespace
}  // namespace waypost::spool::crash
