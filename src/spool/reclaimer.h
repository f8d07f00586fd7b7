// The thread that keeps the log small: it gives dead segments back, copies the survivors of the oldest into the cold
// chain when the log is too large, empties segments that failed, and writes the sidecars. It works in steps that the
// writer never waits for.
//
// Before a segment is given up: everything that is needed from it stands elsewhere and is synced, and so are the
// removal records that made the rest of it dead (a flush of the writer). If a step fails the segment stays, and is
// tried again at the next turn.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/log.h"
#include "spool/chain.h"
#include "spool/log_writer.h"
#include "spool/segment_pool.h"
#include "spool/sidecar.h"

namespace waypost::spool {

class Reclaimer {
 public:
  Reclaimer(FileSystem& files, std::string directory, const SpoolSettings& settings, Catalogue& catalogue,
            SegmentPool& pool, LogWriter& writer, std::atomic<std::uint64_t>& last_sequence, const Log& log);
  ~Reclaimer();

  void start();
  // A segment was ended or something else is worth a look. Any thread.
  void kick();
  // Ends the thread after the step it is in, and the cold chain in order.
  void stop();
  // Sidecars for all that have none; after the writer was stopped.
  void write_sidecars();

  std::uint64_t copied_bytes() const { return copied_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t reclaimed_segments() const { return reclaimed_.load(std::memory_order_relaxed); }

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void turn();
  void watch_idle();
  void write_due_sidecars();
  void write_sidecar_of(const Segment& segment);
  bool reclaim_one();
  bool give_back(const Victim& victim);
  Result<> empty(const Segment& segment);
  Result<> visit(const Segment& segment, const SummaryRecord& record);
  Result<> copy_message(const Segment& segment, const SummaryRecord& record, Place place);
  Result<> copy_chunk(const Segment& segment, const SummaryRecord& record, Place place);
  Result<> copy_progress(const Segment& segment, const SummaryRecord& record, Place place);
  Result<> copy_abort_or_removal(const Segment& segment, const SummaryRecord& record);
  Result<Operation> read_record(const Segment& segment, Place place);
  Result<> add(Operation operation, Place from, Place merged);
  Result<> write_pending();
  Result<> write_cold(std::span<Operation> operations);
  Result<> open_cold();
  void damaged(const Segment& segment, Place place, const Error& error);
  bool stopping();

  struct Origin {
    Place from, merged;
  };

  FileSystem& files_;
  const std::string directory_;
  const SpoolSettings settings_;
  Catalogue& catalogue_;
  SegmentPool& pool_;
  LogWriter& writer_;
  const Log log_;
  Chain cold_;

  std::vector<Operation> pending_;  // survivors that are not written yet
  std::vector<Origin> origins_;     // of each of them
  std::uint64_t pending_bytes_ = 0;
  std::map<std::uint32_t, Clock::time_point> unindexed_since_;
  std::uint64_t seen_writes_ = 0;
  Clock::time_point last_write_;
  Clock::time_point not_before_;  // after a failure

  std::mutex mutex_;
  std::condition_variable wake_;
  bool kicked_ = false, stopping_ = false;
  std::atomic<std::uint64_t> copied_bytes_{0}, reclaimed_{0};
  std::thread thread_;
};

}  // namespace waypost::spool
