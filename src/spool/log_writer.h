// The one thread that writes what comes in. It takes everything that waits, writes it with one pwritev, syncs once if
// somebody counts on it, and tells all of them; batches form by themselves while the disk works. Delivery states and
// removals go along with the next batch, at most kLazyFlush later on their own, without a sync of their own but synced
// after dirty_time.
//
// A failed write or sync: those who wait get Errc::io (or no_space), the segment is closed for ever, the states and
// removals that may have been in it are written again into the next one, and so is, first of all and synced, an abort
// record: whatever the failed segment holds behind its last sync was never accepted, even when it can be read later.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/log.h"
#include "spool/chain.h"
#include "spool/completions.h"
#include "spool/segment_pool.h"
#include "spool/settings.h"

namespace waypost::spool {

class LogWriter {
 public:
  LogWriter(Catalogue& catalogue, SegmentPool& pool, std::atomic<std::uint64_t>& last_sequence,
            const SpoolSettings& settings, std::function<void()> segment_ended, const Log& log);
  ~LogWriter();

  void start();
  // Any thread. `done` of a message or chunk is called exactly once, with Errc::closed after stop().
  void submit(std::vector<Operation> operations);
  void progress(QueueId id);  // the catalogue has the state
  void remove(QueueId id, std::vector<std::uint32_t> targets);
  void abort(AbortMark mark);
  // Writes and syncs everything that was submitted before. Not from the writer's own thread.
  Result<> flush();
  // The last sync or write worked.
  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }
  std::uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }
  std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }  // records of any kind
  std::uint64_t syncs() const { return syncs_.load(std::memory_order_relaxed); }
  // The number of the segment that is written, 0: none.
  std::uint32_t active() const { return active_.load(std::memory_order_relaxed); }
  // Writes what waits, ends the segment in order and ends the thread.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Lazy {
    RecordType type = RecordType::progress;
    QueueId id;
    std::vector<std::uint32_t> targets;
    AbortMark mark;
  };
  struct Batch {
    std::vector<Operation> operations;
    std::vector<Done> barriers;
    bool sync = false, stop = false;
  };

  void run();
  Batch take();
  void wait_for_work(std::unique_lock<std::mutex>& lock, Batch& batch);
  void gather(std::unique_lock<std::mutex>& lock);
  void take_lazy(Batch& batch);
  void add_lazy(Lazy lazy);
  void requeue(std::span<Operation> operations);
  void write_some(std::span<Operation>& rest, bool sync);
  std::size_t next_portion(std::span<const Operation> rest) const;
  Result<> make_room(const Operation& next);
  Result<> change_segment(SegmentUse use);
  void finished(std::span<Operation> operations, bool synced);
  void apply(Operation& operation);
  void failed(std::span<Operation> operations, const Error& error);
  void record_aborts();
  void refuse(Operation& operation, const Error& error);
  void answer_barriers(std::vector<Done>& barriers);
  bool others_wait();

  Catalogue& catalogue_;
  SegmentPool& pool_;
  Chain chain_;
  const SpoolSettings settings_;
  const std::function<void()> segment_ended_;
  const Log log_;
  Completions completions_;

  std::mutex mutex_;
  std::condition_variable work_;
  std::vector<Operation> urgent_;
  std::size_t wake_at_ = 1;  // so many urgent operations wake the writer
  double crowd_ = 0;         // how many came together lately
  std::vector<Lazy> lazy_;
  std::vector<Done> barriers_;
  Clock::time_point lazy_due_;
  bool stopping_ = false;
  bool lazy_failed_ = false;  // something lazy could not be written and waits for its next turn

  // The writer thread's own.
  std::vector<Operation> unsynced_;  // written since the last sync, to be written again if that sync fails
  Clock::time_point dirty_since_;
  bool on_reserve_ = false;  // the segment in use is the last one: only what is lazy may go into it
  std::atomic<bool> healthy_{true};
  std::atomic<std::uint64_t> commits_{0}, written_{0}, syncs_{0};
  std::atomic<std::uint32_t> active_{0};
  std::thread thread_;
};

}  // namespace waypost::spool
