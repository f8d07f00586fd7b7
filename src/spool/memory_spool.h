// A Spool that keeps its messages in memory: for tests of everything above the spool. It behaves as the contract in
// spool.h says, and fails on command. `done` runs inside commit() or append() on the caller's thread unless commits are
// held back, so that a test can also be in the middle of a commit. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "spool/spool.h"

namespace waypost::spool {

class MemorySpool final : public Spool {
 public:
  MemorySpool();
  ~MemorySpool() override;

  Result<ScanReport> scan(const std::function<void(StoredMessage)>& each) override;
  std::unique_ptr<Incoming> begin(QueueId id) override;
  void record(QueueId id, const mail::Progress& progress) override;
  void remove(QueueId id) override;
  Result<StoredMessage> load(QueueId id) override;
  Result<std::unique_ptr<Reader>> open(QueueId id) override;
  Space space() const override;
  void stop() override;

  // The next `count` commits answer `code` and keep nothing.
  void fail_commits(Errc code, int count = 1);
  // The next `count` appends answer `code`; the message is then lost, as with the real engine.
  void fail_appends(Errc code, int count = 1);
  // The next `count` calls of load, open and Reader::read answer `code`.
  void fail_reads(Errc code, int count = 1);
  void set_space(Space space);
  // From now on commits wait until release_commits(), which completes them in order on the calling thread.
  void hold_commits();
  void release_commits();

  // What a test asserts on.
  std::size_t size() const;
  bool contains(QueueId id) const;
  std::vector<QueueId> ids() const;
  std::string content(QueueId id) const;  // empty if it is not there
  mail::Progress progress(QueueId id) const;
  int commits() const;   // that succeeded
  int removals() const;  // of messages that were there
  // As after a restart: what stop() refused is accepted again.
  void restart();

 private:
  class MemoryIncoming;
  class MemoryReader;
  struct Failure {
    Errc code = Errc::io;
    int count = 0;
  };
  struct Kept {
    StoredMessage message;
    Chunk content;
  };
  struct Held {
    QueueId id;
    Kept kept;
    Done done;
  };

  Result<> append(const Chunk& chunk, std::string& content);
  void commit(QueueId id, Kept kept, Done done);
  Result<> store(QueueId id, Kept kept);
  std::optional<std::unexpected<Error>> take(Failure& failure, std::string_view what);

  mutable std::mutex mutex_;
  std::map<QueueId, Kept> messages_;
  std::vector<Held> held_;
  Failure commit_failure_, append_failure_, read_failure_;
  Space space_;
  bool holding_ = false;
  bool stopped_ = false;
  int commits_ = 0;
  int removals_ = 0;
};

}  // namespace waypost::spool
