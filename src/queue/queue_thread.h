// The thread that owns the Scheduler. Everyone else posts: owned values into an inbox that the thread takes in one go,
// works off with one look at the clock, and then sleeps until the next event or the schedule's next moment.
// All public functions may be called from any thread; none waits, but stop().
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "queue/scheduler.h"

namespace waypost::queue {

inline constexpr std::size_t kListChunk = 1'000;  // messages per turn while a listing is made

class QueueThread {
 public:
  QueueThread(std::shared_ptr<const Settings> settings, Ports& ports, Scheduler::Logs logs, const Clock& clock);
  ~QueueThread();  // stops at once if stop() was not called
  QueueThread(const QueueThread&) = delete;
  QueueThread& operator=(const QueueThread&) = delete;

  // Messages of the spool, before start() and from one thread.
  void reserve(std::size_t messages) { scheduler_.reserve(messages); }
  void add_stored(const StoredEntry& stored) { scheduler_.add_stored(stored); }
  void start();

  void add(Arrival arrival) { post(std::move(arrival)); }
  void activated(Activation activation) { post(std::move(activation)); }
  void finished(delivery::Report report) { post(std::move(report)); }
  void notified(QueueId id, bool ok) { post(Notified{id, ok}); }
  void reconfigure(std::shared_ptr<const Settings> settings) { post(std::move(settings)); }
  // For Agent::deliver: hands the report to finished().
  delivery::ReportSink report_sink();

  // Answers come on the queue's thread; they must return soon. After stop() they do not come.
  void command(Action action, QueueId id, std::move_only_function<void(Answer)> answer);
  void command_all(Action action, std::move_only_function<void(std::size_t)> answer);
  void counts(std::move_only_function<void(Counts)> answer);
  void describe(QueueId id, std::move_only_function<void(std::optional<QueueItem>)> answer);
  // Pieces of at most kListChunk, the last one marked; other work goes on between them.
  void list(std::move_only_function<void(std::vector<QueueItem>, bool last)> answer);

  // Phase 1: nothing new is handed out. Returns at once; deliveries under way go on.
  void stop_handing_out();
  // Phase 2: waits until deliveries and notices under way have ended, or `limit`, then ends the thread. Returns whether
  // all had ended; what had not is tried again after the next start.
  bool stop(Duration limit);

 private:
  struct Notified {
    QueueId id;
    bool ok = false;
  };
  using Task = std::move_only_function<void(Scheduler&, Instant)>;
  using Post = std::variant<Arrival, Activation, delivery::Report, Notified, std::shared_ptr<const Settings>, Task>;

  void post(Post item);
  void run();
  void work_off(std::vector<Post>& inbox);
  void list_from(std::uint32_t from, std::move_only_function<void(std::vector<QueueItem>, bool)> answer);
  Instant now() const { return {clock_.wall(), clock_.mono()}; }

  const Clock& clock_;
  Scheduler scheduler_;  // the thread's, once started
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Post> inbox_;
  bool sleeping_ = false, stop_ = false;
  MonoTime stop_deadline_{};
  bool ended_idle_ = false;
  std::thread thread_;
};

}  // namespace waypost::queue
