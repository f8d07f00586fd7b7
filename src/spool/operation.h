// One thing to be written to the log, with who waits for it.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "spool/catalogue.h"
#include "spool/record.h"
#include "spool/spool.h"

namespace waypost::spool {

// A streamed message between its first chunk and its commit: keeps the segments of its chunks from being reclaimed. Its
// fields are touched by the writer thread only; the destructor runs when no operation names it any more.
class Upload {
 public:
  explicit Upload(Catalogue& catalogue) : catalogue_(catalogue) {}
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload() { release(); }

  void add(Place chunk) {
    catalogue_.hold_chunk(chunk);
    chunks_.push_back(chunk);
  }
  const std::vector<Place>& chunks() const { return chunks_; }
  void release() {
    for (const Place& chunk : chunks_) catalogue_.release_chunk(chunk);
    chunks_.clear();
  }
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }

 private:
  Catalogue& catalogue_;
  std::vector<Place> chunks_;
  bool failed_ = false;
};

struct Operation {
  RecordHeader header;
  std::string meta;  // meta, then progress
  Chunk owner;       // keeps body
  std::string_view body;
  Done done;
  std::shared_ptr<Upload> upload;
  Catalogue::State state;              // of a progress record
  std::vector<std::uint32_t> targets;  // of a removal or an abort record
  HeaderBytes header_bytes{};          // filled in by the chain, with `place`
  Place place;

  QueueId id() const { return QueueId::from_bits(header.id); }
  // Somebody counts on it surviving a crash.
  bool wants_sync() const { return header.is_message() || header.type == RecordType::abort; }
  // It must be written some time, and nobody waits for it.
  bool is_lazy() const {
    return header.type == RecordType::progress || header.type == RecordType::removal ||
           header.type == RecordType::abort;
  }
};

// Fills in sizes and sums.
void finish(Operation& operation);

Operation make_progress(QueueId id, Catalogue::State state);
Operation make_removal(QueueId id, std::vector<std::uint32_t> targets);
Operation make_abort(AbortMark mark);

}  // namespace waypost::spool
