// The segment that is being written, and its predecessors: one chain takes what comes in, a second one, cold, what is
// copied forward. A write is one pwritev and, when asked, one fdatasync; what follows a sync begins at a new block.
// Used by one thread; the catalogue behind it is shared.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "spool/operation.h"

namespace waypost::spool {

class Chain {
 public:
  Chain(Catalogue& catalogue, std::atomic<std::uint64_t>& last_sequence, std::uint64_t segment_size)
      : catalogue_(catalogue), last_sequence_(last_sequence), segment_size_(segment_size) {}

  // How many of the operations, from the front, fit into the segment.
  std::size_t fit(std::span<const Operation> operations) const;
  // A record that no segment could take.
  bool too_large(const Operation& operation) const;
  bool is_open() const { return segment_ != nullptr; }
  std::uint32_t number() const { return segment_ ? segment_->number : 0; }
  // Bytes written since the last sync.
  std::uint64_t dirty_bytes() const { return segment_ ? end_ - durable_end_ : 0; }

  // Numbers, writes and perhaps syncs what fits; sets each operation's place. After a failure only abandon() may
  // follow.
  Result<> write(std::span<Operation> operations, bool sync);
  // Ends the segment in order, durable. The chain is then without one. After a failure only abandon() may follow.
  Result<> seal();
  // Goes on in this one; call after seal() or abandon(), or at first.
  void adopt(SegmentPtr segment);
  // Closes the segment for ever, after a failed write or sync, and tells from where on it counts for nothing.
  AbortMark abandon();

 private:
  void number_record(Operation& operation, std::uint64_t offset);
  void add_padding(std::uint64_t& end);

  Catalogue& catalogue_;
  std::atomic<std::uint64_t>& last_sequence_;
  SegmentPtr segment_;
  std::uint64_t end_ = 0, durable_end_ = 0;
  std::uint64_t written_sequence_ = 0, durable_sequence_ = 0;
  const std::uint64_t segment_size_;
  std::vector<iovec> pieces_;  // kept for its capacity
  HeaderBytes padding_{};
};

}  // namespace waypost::spool
