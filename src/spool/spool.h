// Messages on disk. The interface speaks of messages, never of files, so that another engine (shared, replicated) fits
// behind it.
//
// Contract: when `done` of a commit is called with success, the message survives any crash (fdatasync has returned).
// Progress and removal are never waited for: they reach the disk with the next batch, at most kLazyFlush later. Losing
// one in a crash means that a delivery is repeated, never that a message is lost. Failure: commit reports
// Errc::no_space (answer 452 4.3.1) or Errc::io (451 4.3.0); nothing of the message remains queued. Threads: every
// function may be called from any thread. `done` runs on the engine's own thread: it must only hand on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/queue_id.h"
#include "base/result.h"
#include "mail/envelope.h"

namespace waypost::spool {

inline constexpr std::chrono::milliseconds kLazyFlush{20};
// A message above this size is written in chunks while it arrives, so that it does not hold up the others' commits.
inline constexpr std::size_t kStreamThreshold = 1 << 20;

using Done = std::move_only_function<void(Result<>)>;
using Chunk = std::shared_ptr<const std::string>;

// A message on its way in. Destroying it without commit abandons what was written.
class Incoming {
 public:
  virtual ~Incoming() = default;
  // Only for messages above kStreamThreshold. Call again only after `done`: that is the back-pressure.
  virtual void append(Chunk chunk, Done done) = 0;
  // The last chunk (or the whole message) and the envelope as it is to be kept. Call once.
  virtual void commit(const mail::Envelope& envelope, Chunk last, Done done) = 0;
};

// The content of one queued message, read in order. Keeps what it reads from being reclaimed while it lives.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual std::uint64_t size() const = 0;
  // Up to `limit` bytes from `offset`; shorter only at the end. Blocking file read.
  virtual Result<std::string> read(std::uint64_t offset, std::size_t limit) = 0;
};

struct StoredMessage {
  mail::Envelope envelope;
  mail::Progress progress;
  std::uint64_t size = 0;  // content bytes
};

struct ScanReport {
  std::uint64_t messages = 0, bytes = 0, next_number = 1;  // next_number: above every queue id number on disk
  QueueId newest_long;                                     // of the long queue ids on disk; none: zero
  std::uint64_t torn_bytes = 0;                            // cut at the tail: the crash's unfinished batch
  std::uint64_t quarantined_records = 0, unfinished_messages = 0;
  std::vector<std::string> notes;  // one line each, for the log at start
};

struct Space {
  std::uint64_t free_bytes = 0;  // of the file system, as an unprivileged user may use
  bool accepting = true;         // false: no segment could be made or a sync failed; commits answer no_space or io
};

class Spool {
 public:
  virtual ~Spool() = default;

  // Reads what is there, before anything else is called. `each` gets every live message once.
  virtual Result<ScanReport> scan(const std::function<void(StoredMessage)>& each) = 0;

  virtual std::unique_ptr<Incoming> begin(QueueId id) = 0;
  // The whole delivery state as it is now; the latest one counts.
  virtual void record(QueueId id, const mail::Progress& progress) = 0;
  virtual void remove(QueueId id) = 0;

  virtual Result<StoredMessage> load(QueueId id) = 0;
  virtual Result<std::unique_ptr<Reader>> open(QueueId id) = 0;

  virtual Space space() const = 0;
  // Writes and syncs everything that is pending, then refuses further commits with Errc::closed. Blocks.
  virtual void stop() = 0;
};

}  // namespace waypost::spool
