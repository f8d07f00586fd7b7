// Gives our queue back to a Postfix that does not run: every message becomes a queue file, deferred or on hold.
//
// A message is never in both queues and never in none: its file is written whole to waypost/exporting/ below Postfix's
// queue directory and synced, then the message leaves our spool (synced), then the file is renamed to where Postfix
// looks. After a crash, running it again ends what was begun: a file whose message is still in the spool is written
// anew, one whose message is gone is put in its place. waypost/export.unfinished keeps the daemon from starting before.
//
// Postfix names a file by its inode; the new names are printed. Recipients that are done with stay in the file as such;
// the reasons for the others go to its defer log.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/result.h"
#include "spool/segment_spool.h"
#include "tools/postfix_folders.h"
#include "tools/script_log.h"

namespace waypost::tools {

inline constexpr std::size_t kExportBatch = 64;  // messages that leave the spool with one sync

struct ExportSettings {
  std::string root;                  // Postfix's queue directory
  std::optional<Duration> warn_age;  // delay_warning_time
  unsigned hash_depth = 1;           // hash_queue_depth
  std::vector<std::string> hashed;   // hash_queue_names
};

struct ExportCounts {
  std::uint64_t messages = 0, held = 0;
  std::uint64_t skipped = 0;  // damaged in the spool; named, left there
};

class QueueExport {
 public:
  // `log` and `spool` outlive it; the spool has been scanned.
  QueueExport(ExportSettings settings, spool::SegmentSpool& spool, ScriptLog& log, WallTime now);

  // Of all messages in `ids`. A damaged one is passed over. Ends at the first other error; what was begun then is
  // finished by the next run.
  Result<ExportCounts> run(const std::vector<QueueId>& ids);

 private:
  struct Written {
    QueueId id;
    std::string queue;               // deferred, hold
    std::uint32_t microseconds = 0;  // of its arrival; with the inode number it is the file's name
    std::uint64_t inode = 0;
    std::string failures;  // for the defer log
    Descriptor file;       // to be synced
  };
  Result<> give(std::span<const QueueId> ids);
  Result<> finish_earlier_run(const std::string& queue, const std::vector<QueueId>& ids);
  Result<Written> write(QueueId id);
  Result<> write_content(int fd, const spool::StoredMessage& message, Written& written) const;
  Result<> place(const Written& written);
  Result<> sync_folders();
  Result<> write_log(const Written& written, const std::string& name) const;
  // Where a file of that name belongs, with a '/' at its end; made if need be.
  Result<std::string> folder_for(const std::string& queue, const std::string& name) const;
  std::string exporting(const std::string& queue, QueueId id) const;

  const ExportSettings settings_;
  spool::SegmentSpool& spool_;
  ScriptLog& log_;
  const WallTime now_;
  FolderOwner owner_;
  std::set<std::string> touched_;  // folders with renames that are not synced
  ExportCounts counts_;
};

}  // namespace waypost::tools
