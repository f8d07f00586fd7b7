#include "queue/queue_thread.h"

#include <algorithm>

namespace waypost::queue {

namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

// Without anything to wait for the thread still looks at the clock now and then: the wall clock may have been set.
constexpr std::chrono::seconds kMaxSleep{60};

}  // namespace

QueueThread::QueueThread(std::shared_ptr<const Settings> settings, Ports& ports, Scheduler::Logs logs,
                         const Clock& clock)
    : clock_(clock), scheduler_(std::move(settings), ports, std::move(logs), now()) {}

QueueThread::~QueueThread() { stop(Duration{0}); }

void QueueThread::start() {
  thread_ = std::thread([this] { run(); });
}

void QueueThread::post(Post item) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    inbox_.push_back(std::move(item));
    wake = sleeping_;
    sleeping_ = false;
  }
  if (wake) wake_.notify_one();
}

delivery::ReportSink QueueThread::report_sink() {
  return [this](delivery::Report report) { finished(std::move(report)); };
}

void QueueThread::run() {
  std::vector<Post> inbox;
  while (true) {
    work_off(inbox);
    scheduler_.advance(now());
    const auto wait = std::min<Duration>(scheduler_.next_wake(now()).value_or(kMaxSleep), kMaxSleep);

    std::unique_lock lock(mutex_);
    if (stop_ && inbox_.empty()) {
      ended_idle_ = scheduler_.idle();
      if (ended_idle_ || clock_.mono() >= stop_deadline_) break;
    }
    sleeping_ = inbox_.empty();
    const auto limit = stop_ ? std::min<Duration>(wait, std::chrono::milliseconds{20}) : wait;
    wake_.wait_for(lock, limit, [this] { return !sleeping_; });
    sleeping_ = false;
    inbox.swap(inbox_);
  }
  scheduler_.record_unrecorded();
}

void QueueThread::work_off(std::vector<Post>& inbox) {
  const Instant at = now();
  for (Post& item : inbox) {
    std::visit(
        Overloaded{[&](Arrival& arrival) { scheduler_.add(std::move(arrival), at); },
                   [&](Activation& activation) { scheduler_.activated(std::move(activation), at); },
                   [&](delivery::Report& report) { scheduler_.finished(std::move(report), at); },
                   [&](Notified& notified) { scheduler_.notified(notified.id, notified.ok, at); },
                   [&](std::shared_ptr<const Settings>& settings) { scheduler_.reconfigure(std::move(settings)); },
                   [&](Task& task) { task(scheduler_, at); }},
        item);
  }
  inbox.clear();
}

void QueueThread::command(Action action, QueueId id, std::move_only_function<void(Answer)> answer) {
  post(Task([action, id, answer = std::move(answer)](Scheduler& scheduler, Instant at) mutable {
    answer(scheduler.command(action, id, at));
  }));
}

void QueueThread::command_all(Action action, std::move_only_function<void(std::size_t)> answer) {
  post(Task([action, answer = std::move(answer)](Scheduler& scheduler, Instant at) mutable {
    answer(scheduler.command_all(action, at));
  }));
}

void QueueThread::counts(std::move_only_function<void(Counts)> answer) {
  post(Task([answer = std::move(answer)](Scheduler& scheduler, Instant) mutable { answer(scheduler.counts()); }));
}

void QueueThread::describe(QueueId id, std::move_only_function<void(std::optional<QueueItem>)> answer) {
  post(Task(
      [id, answer = std::move(answer)](Scheduler& scheduler, Instant) mutable { answer(scheduler.describe(id)); }));
}

void QueueThread::list(std::move_only_function<void(std::vector<QueueItem>, bool)> answer) {
  list_from(0, std::move(answer));
}

void QueueThread::list_from(std::uint32_t from, std::move_only_function<void(std::vector<QueueItem>, bool)> answer) {
  post(Task([this, from, answer = std::move(answer)](Scheduler& scheduler, Instant) mutable {
    Listing piece = scheduler.list(from, kListChunk);
    const bool last = piece.next == kNone;
    answer(std::move(piece.items), last);
    if (!last) list_from(piece.next, std::move(answer));
  }));
}

void QueueThread::stop_handing_out() {
  post(Task([](Scheduler& scheduler, Instant) { scheduler.stop_handing_out(); }));
}

bool QueueThread::stop(Duration limit) {
  if (!thread_.joinable()) return ended_idle_;
  stop_handing_out();
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    stop_deadline_ = clock_.mono() + limit;
    sleeping_ = false;
  }
  wake_.notify_one();
  thread_.join();
  return ended_idle_;
}

}  // namespace waypost::queue
