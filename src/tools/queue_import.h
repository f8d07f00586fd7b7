// Takes over the queue of a Postfix that does not run.
//
// Each message is on disk in our spool before its file goes aside, to waypost/imported/ below the same queue directory,
// where it keeps its place (deferred/A/ABC...), its name and its logs; nothing is ever deleted. A crash leaves at most
// kImportBatch messages in both places. Running the import again finds them by id and arrival time and only moves their
// files, which is why the daemon must not have run in between: waypost/import.unfinished keeps it from starting.
//
// A message keeps its id when that is one of ours: a short name does, a long one loses its seconds. What cannot be
// taken over as it is (damaged, or in need of something we do not have) stays where it is and is named.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "postfix_queue/queue_file.h"
#include "spool/segment_spool.h"
#include "tools/console.h"
#include "tools/postfix_folders.h"
#include "tools/script_log.h"

namespace waypost::tools {

inline constexpr std::size_t kImportBatch = 64;                          // messages that share a sync
inline constexpr std::size_t kMaxDropBytes = std::size_t{1} << 30;       // of a message in the maildrop
inline constexpr std::size_t kImportBatchBytes = std::size_t{16} << 20;  // of content; one message may be larger

struct ImportCounts {
  std::uint64_t messages = 0, bytes = 0, recipients = 0, held = 0;
  std::uint64_t dropped = 0;     // of the maildrop, handed to pickup
  std::uint64_t finished = 0;    // nobody left to deliver to
  std::uint64_t repeated = 0;    // were in the spool already: an earlier run was cut off
  std::uint64_t unfinished = 0;  // never accepted; left in place
  std::uint64_t skipped = 0;     // named, left in place
};

class QueueImport {
 public:
  struct Parts {
    const PostfixFolders& folders;
    spool::SegmentSpool* spool;  // null: only look
    std::string drop_folder;
    const Console& console;
    ScriptLog* log;  // null: only look
  };
  // What the spool holds already.
  struct Stored {
    WallTime arrival;
    bool untouched = true;  // no attempt was made, nobody changed it
  };
  QueueImport(Parts parts, std::map<QueueId, Stored> stored);

  // Errc::io, Errc::no_space: the spool or a folder failed. What was committed until then has been moved.
  Result<ImportCounts> run();

 private:
  struct Candidate {
    QueueEntry entry;
    std::unique_ptr<QueueFileSource> source;
    postfix_queue::QueueFile file;
    mail::Progress progress;
    bool is_stored = false;   // by an earlier run
    bool keep_state = false;  // which has gone on since
  };
  Result<> take(const QueueEntry& entry);
  Result<> take_complete(Candidate candidate);
  Result<> take_dropped(const Candidate& candidate);
  std::string objection(const QueueEntry& entry, const QueueFileSource& source);
  void read_logs(Candidate& candidate) const;
  void choose_id(Candidate& candidate);
  Result<> end_batch();
  Result<> store(std::vector<Candidate>& batch);
  Result<> settle(const Candidate& candidate);
  Result<> move_aside(const QueueEntry& entry);
  void skip(const QueueEntry& entry, std::string_view why);
  Result<> sync_folders();

  const Parts parts_;
  std::map<QueueId, Stored> stored_;
  std::vector<Candidate> batch_;
  std::size_t batch_bytes_ = 0;
  std::set<std::pair<dev_t, ino_t>> linked_;  // files with several names
  std::vector<std::string> touched_;          // folders with renames that are not synced
  ImportCounts counts_;
};

}  // namespace waypost::tools
