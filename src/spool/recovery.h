// Reads a spool directory and finds out what lives in it: newest copy of each message that no removal record names, its
// newest delivery state, its chunks. Used at start and, read-only, by the tools while the spool may be running. The
// rules are in docs/spool-format.md. One thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "base/result.h"
#include "spool/catalogue.h"
#include "spool/sidecar.h"
#include "spool/spool.h"

namespace waypost::spool {

struct RecoveredSegment {
  SegmentPtr segment;
  WalkReport report;
  bool empty = true;        // nothing but its first record
  bool has_header = false;  // and that one is whole
  bool has_sidecar = false;
  bool holds_stale_copies = false;
  std::uint64_t durable_sequence = 0;  // the last record that is known to have been synced
  std::vector<std::uint32_t> targets;
};

enum class RecoveryMode : std::uint8_t {
  start,  // sweeps away what is left over, copies damage to quarantine/
  look,   // reads only; a segment that goes away meanwhile is passed over
  walk,   // as look, but reads every segment in full and believes no sidecar
};

class Recovery {
 public:
  Recovery(FileSystem& files, std::string directory, RecoveryMode mode);

  // Finds everything. Fails with Errc::io when a segment cannot be read.
  Result<> run();
  // Each live message once, oldest segment first. A message whose envelope does not decode is quarantined and skipped.
  Result<> deliver(const std::function<void(StoredMessage)>& each);
  // Hands over places and segments.
  void fill(Catalogue& catalogue) const;

  const ScanReport& report() const { return report_; }
  const std::map<std::uint32_t, RecoveredSegment>& segments() const { return segments_; }
  std::uint32_t last_segment() const { return last_segment_; }
  const std::vector<AbortMark>& aborts() const { return aborts_; }
  // Bytes that should have been a record, for whoever salvages.
  struct Damage {
    SegmentPtr segment;
    std::uint64_t begin = 0, end = 0;
  };
  const std::vector<Damage>& damage() const { return damage_; }
  std::uint64_t last_sequence() const { return last_sequence_; }

  // For the tools: where the live messages are.
  struct Found {
    std::uint64_t sequence = 0;
    Place place;
    std::uint32_t parts = 0;  // chunks before it
    std::uint64_t progress_sequence = 0;
    Place progress;  // a record of its own; none: in the message, or untouched
    std::string state;
  };
  struct Part {
    std::uint64_t sequence = 0;
    Place place;
  };
  const Found* find(QueueId id) const;
  std::optional<LocatedMessage> locate(QueueId id) const;
  std::vector<QueueId> ids() const;
  std::vector<Located> chunks(QueueId id) const;
  SegmentPtr segment(std::uint32_t number) const;

 private:
  Result<> open_segments();
  Result<SegmentSummary> summary(std::uint32_t number);
  Result<> read_segment(std::uint32_t number);
  void take_record(RecoveredSegment& segment, const SummaryRecord& record);
  void take_message(RecoveredSegment& segment, const SummaryRecord& record, Place place);
  void take_progress(QueueId id, std::uint64_t sequence, Place place, std::string state);
  bool aborted(std::uint32_t segment, std::uint64_t offset) const;
  void take_start(RecoveredSegment& segment, const SummaryRecord& record);
  void settle();
  bool was_durable(const Found& found) const;
  void note_gaps(std::uint32_t number);
  bool went_away(std::uint32_t number);
  void quarantine(std::uint32_t segment, std::uint64_t begin, std::uint64_t end, std::string_view why);
  std::uint64_t content_size(QueueId id, const RecordHeader& header) const;
  Result<StoredMessage> decode(const SummaryRecord& record, const Found& found);
  bool complete(std::uint64_t id, const Found& found) const;

  FileSystem& files_;
  const std::string directory_;
  const RecoveryMode mode_;
  ScanReport report_;
  std::map<std::uint32_t, RecoveredSegment> segments_;
  std::map<std::uint32_t, SegmentSummary> summaries_;  // of segments that have no sidecar
  boost::unordered_flat_map<std::uint64_t, Found> messages_;
  boost::unordered_flat_map<std::uint64_t, std::map<std::uint32_t, Part>> parts_;
  boost::unordered_flat_set<std::uint64_t> removed_;
  std::vector<AbortMark> aborts_;
  std::vector<Damage> damage_;
  std::uint32_t last_segment_ = 0;
  std::uint64_t last_sequence_ = 0, last_number_ = 0;
};

}  // namespace waypost::spool
