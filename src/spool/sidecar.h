// What stands in a segment, without the bodies. A sealed segment has it beside it in NNNN.idx, so that start and
// reclamation read kilobytes instead of 64 MB. The file is only ever a shortcut: when it is missing or does not check,
// the segment itself is walked. One thread at a time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "spool/file_system.h"
#include "spool/segment_walk.h"

namespace waypost::spool {

struct SummaryRecord {
  std::uint64_t offset = 0;
  RecordHeader header;
  bool has_meta = false;  // an envelope that nobody needed was left out
  std::string meta, progress;
};

struct SegmentSummary {
  std::uint32_t number = 0;
  std::uint32_t nonce = 0;
  WalkReport report;
  std::vector<SummaryRecord> records;  // in file order, without padding
};

Result<SegmentSummary> summarise(File& file, std::uint32_t number);
// The same from the headers alone, for a segment that this process wrote to its end: bodies are neither read nor
// checked. Errc::corrupt when the records do not follow one another up to segment_end.
Result<SegmentSummary> skim(File& file, std::uint32_t number);

// `keep_meta` says for each message and commit whether its envelope is worth keeping.
std::string encode_sidecar(const SegmentSummary& summary, const std::function<bool(const SummaryRecord&)>& keep_meta);
Result<SegmentSummary> decode_sidecar(std::string_view bytes, std::uint32_t number);

// Writes directory/NNNN.idx under a temporary name, syncs it and renames it into place.
Result<> write_sidecar(FileSystem& files, const std::string& directory, const SegmentSummary& summary,
                       const std::function<bool(const SummaryRecord&)>& keep_meta);
Result<SegmentSummary> read_sidecar(FileSystem& files, const std::string& directory, std::uint32_t number);

}  // namespace waypost::spool
