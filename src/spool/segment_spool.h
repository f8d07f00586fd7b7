// The spool as an append-only log of segments in one directory. See spool.h for the contract and docs/spool-format.md
// for what stands on the disk.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "spool/file_system.h"
#include "spool/settings.h"
#include "spool/spool.h"

namespace waypost::spool {

// What the log takes and does, for metrics and tests.
struct SpoolCounters {
  std::uint64_t messages = 0, live_bytes = 0;
  std::uint64_t log_bytes = 0;    // of all segments in use
  std::uint64_t ready_bytes = 0;  // of those that stand ready
  std::uint64_t commits = 0, syncs = 0;
  std::uint64_t copied_bytes = 0;        // survivors
  std::uint64_t reclaimed_segments = 0;  // given back
};

class SegmentSpool : public Spool {
 public:
  // Writes and syncs everything that was handed over before. Blocks. Errc::io, Errc::unavailable or Errc::closed.
  virtual Result<> flush() = 0;
  virtual SpoolCounters counters() const = 0;
};

// Makes the directory if need be and locks it. Errc::exists names the process that has the spool open. `files` must
// outlive the spool. scan() must come before everything else; it also starts the engine's threads.
Result<std::unique_ptr<SegmentSpool>> open_spool(const std::string& directory, const SpoolSettings& settings,
                                                 FileSystem& files, const Log& log);

}  // namespace waypost::spool
