// Reads a segment file from front to back and tells what is whole in it. Sequential reads through one buffer; a record
// that does not check is skipped by searching for the next one that does. Never writes. One thread at a time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "spool/file_system.h"
#include "spool/record.h"

namespace waypost::spool {

// A whole record. The views live until the visitor returns.
struct WalkedRecord {
  std::uint64_t offset = 0;
  RecordHeader header;
  std::string_view meta, progress, body;
};

// Bytes between two whole records that should have been records.
struct Gap {
  std::uint64_t begin = 0, end = 0;
  bool was_durable = false;  // something written later knew that it had been synced: damage, not a torn write
};

struct WalkReport {
  std::uint64_t end = 0;         // behind the last whole record
  std::uint64_t torn_bytes = 0;  // of the record that was begun there and is not whole
  std::uint64_t last_sequence = 0;
  bool ended_in_order = false;  // the last record is segment_end
  std::vector<Gap> gaps;
};

// Fails only when the file cannot be read (Errc::io).
Result<WalkReport> walk_segment(File& file, std::uint32_t number, const std::function<void(const WalkedRecord&)>& each);

}  // namespace waypost::spool
