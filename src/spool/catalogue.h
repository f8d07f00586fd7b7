// What the spool knows in memory: where each live message stands, and how much of each segment is still needed. 32
// bytes a message in a flat map, no envelopes. Everything is guarded by one mutex that is held for microseconds and
// never across a call to the disk. Any thread.
//
// Removal records. Forgetting one before every copy of its message is gone would bring a delivered message back at the
// next start. So each removal record names the segments in which copies of its message may stand: the one that the
// message is in, and those that are being emptied (their survivors were copied, the old copy is still readable). The
// segment that holds the record keeps the union of these names as `targets`. A segment may only be given up when each
// of its targets is gone, or the removal records in it were written again elsewhere and synced. Since a message never
// moves but by a copy into a segment that is then named (relocate() answers false for a message that was removed
// meanwhile, and the reclaimer writes a further removal record that names the new segment), no copy is ever without a
// removal record that outlives it. Abort records follow the same rule with the aborted segment as target.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/queue_id.h"
#include "spool/file_system.h"

namespace waypost::spool {

// A whole record in the log. No segment: none.
struct Place {
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  explicit operator bool() const { return segment != 0; }
  bool operator==(const Place&) const = default;
};

// The open file of a segment with what never changes about it; the rest is the catalogue's.
struct Segment {
  std::uint32_t number = 0;
  std::uint32_t nonce = 0;
  std::uint64_t size = 0;
  std::shared_ptr<File> file;
};
using SegmentPtr = std::shared_ptr<const Segment>;

struct Located {
  Place place;
  SegmentPtr segment;
};

// Everything that is needed to read a message; the files stay readable as long as it lives.
struct LocatedMessage {
  Located message;
  std::optional<Located> progress;                      // written apart from the message
  std::shared_ptr<const std::string> pending_progress;  // newer than anything written
  std::vector<Located> chunks;
};

struct LogTotals {
  std::uint64_t messages = 0, live_bytes = 0, log_bytes = 0;
  std::uint32_t segments = 0;
};

// Why a segment is to be emptied, most urgent first.
enum class VictimReason : std::uint8_t { failed, emptying, dead, oldest };
struct Victim {
  SegmentPtr segment;
  VictimReason reason = VictimReason::dead;
};

class Catalogue {
 public:
  using State = std::shared_ptr<const std::string>;  // an encoded mail::Progress

  // Segments. All start as open: never reclaimed.
  void add_segment(SegmentPtr segment);
  void seal(std::uint32_t segment);
  void mark_failed(std::uint32_t segment);    // to be emptied first, and never used again
  void mark_emptying(std::uint32_t segment);  // stale copies may stand in it from now on
  void mark_damaged(std::uint32_t segment);   // holds what could not be read: never given up
  void add_targets(std::uint32_t segment, const std::vector<std::uint32_t>& targets);
  // The removal and abort records of this segment stand elsewhere now, synced.
  void clear_targets(std::uint32_t segment);
  bool exists(std::uint32_t segment) const;
  bool is_failed(std::uint32_t segment) const;
  bool needs_copying(std::uint32_t segment) const;
  // Nothing live is in it and it is sealed; `read` tells whether somebody besides the caller still has it open.
  bool can_drop(std::uint32_t segment, bool& read) const;
  // Call when its name has durably gone from the directory.
  void drop(std::uint32_t segment);
  // What is worth emptying: the oldest that is dead to at least half, when the log is above `limit` or
  // `short_of_space`.
  std::optional<Victim> victim(std::uint64_t floor_bytes, std::uint64_t ratio, bool short_of_space) const;
  LogTotals totals() const;
  // Sealed, still needed and without a sidecar.
  std::vector<SegmentPtr> unindexed() const;
  void mark_indexed(std::uint32_t segment);

  // Messages.
  void reserve(std::size_t messages);
  void insert(QueueId id, Place message, const std::vector<Place>& chunks);
  bool contains(QueueId id) const;
  std::optional<LocatedMessage> find(QueueId id) const;
  // Where a copy was made. False: the message is not at `from` any more, so the copy is dead and needs a removal
  // record.
  bool relocate(QueueId id, Place from, Place to, Place merged_progress);
  bool relocate_chunk(QueueId id, std::uint32_t part, Place from, Place to);
  // `removed` gets the segments to name in the removal record; it is not called when there is no such message. It runs
  // under the lock, so that no segment is given up between the message's end and the queueing of that record.
  template <class Removed>
  void erase(QueueId id, Removed removed) {
    const std::lock_guard lock(mutex_);
    if (auto targets = erase_locked(id)) removed(std::move(*targets));
  }
  // Chunks of a message that is not committed yet keep their segment.
  void hold_chunk(Place chunk);
  void release_chunk(Place chunk);

  // Delivery state. note_progress: false when there is no such message; `queued` tells whether one waits already.
  bool note_progress(QueueId id, State state, bool& queued);
  State pending_progress(QueueId id) const;
  // True when a newer state came meanwhile and has to be written too.
  bool progress_written(QueueId id, Place place, const State& state);
  // The state that stands at `from` is to be written again; false when it is not the current one any more.
  bool rewrite_progress(QueueId id, Place from, State state);
  // The state was written but may not be durable; false when it need not be written again.
  bool restore_progress(QueueId id, State state);
  // At start only.
  void set_progress(QueueId id, Place place);

 private:
  struct Entry {
    Place message, progress;
  };
  struct Account {
    SegmentPtr segment;
    std::uint64_t live_bytes = 0;
    std::uint32_t uploads = 0;
    bool sealed = false, failed = false, emptying = false, damaged = false, indexed = false;
    std::set<std::uint32_t> targets;
  };

  std::optional<std::vector<std::uint32_t>> erase_locked(QueueId id);
  void add_live(Place place);
  void remove_live(Place place);
  bool wanted(const Account& account) const;
  Located locate(Place place) const;
  std::optional<VictimReason> reason(const Account& account, bool over) const;

  mutable std::mutex mutex_;
  boost::unordered_flat_map<std::uint64_t, Entry> entries_;
  boost::unordered_flat_map<std::uint64_t, std::vector<Place>> chunks_;
  boost::unordered_flat_map<std::uint64_t, State> pending_;
  std::map<std::uint32_t, Account> segments_;
  std::set<std::uint32_t> emptying_;
  std::uint64_t live_bytes_ = 0, log_bytes_ = 0;
};

}  // namespace waypost::spool
