#include "spool/chain.h"

#include <array>
#include <utility>

#include "base/assert.h"

namespace waypost::spool {

namespace {

// Kept free behind the last record: padding to a block and the segment's own end.
constexpr std::uint64_t kTailBytes = 3 * kBlockSize;
constexpr std::array<char, 2 * kBlockSize> kZeros{};

iovec piece(std::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }
std::string_view view(const HeaderBytes& bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

std::size_t Chain::fit(std::span<const Operation> operations) const {
  if (!segment_) return 0;
  std::uint64_t end = end_ + kTailBytes;
  std::size_t count = 0;
  for (const Operation& operation : operations) {
    end += operation.header.record_size();
    if (end > segment_->size) break;
    ++count;
  }
  return count;
}

bool Chain::too_large(const Operation& operation) const {
  return operation.header.record_size() + kTailBytes + kBlockSize > segment_size_;
}

void Chain::number_record(Operation& operation, std::uint64_t offset) {
  RecordHeader& header = operation.header;
  header.segment = segment_->number;
  header.nonce = segment_->nonce;
  header.sequence = written_sequence_ = last_sequence_.fetch_add(1, std::memory_order_relaxed) + 1;
  header.durable = durable_sequence_;
  operation.header_bytes = encode(header);
  operation.place = {segment_->number, static_cast<std::uint32_t>(offset),
                     static_cast<std::uint32_t>(header.record_size())};
}

void Chain::add_padding(std::uint64_t& end) {
  const std::uint64_t over = end % kBlockSize;
  if (over == 0) return;
  std::uint64_t size = kBlockSize - over;
  if (size < kRecordHeaderSize) size += kBlockSize;
  RecordHeader header;
  header.type = RecordType::padding;
  header.segment = segment_->number;
  header.nonce = segment_->nonce;
  header.sequence = written_sequence_;
  header.durable = durable_sequence_;
  header.body_size = static_cast<std::uint32_t>(size - kRecordHeaderSize);
  padding_ = encode(header);
  pieces_.push_back(piece(view(padding_)));
  pieces_.push_back(piece({kZeros.data(), header.body_size}));
  end += size;
}

Result<> Chain::write(std::span<Operation> operations, bool sync) {
  WAYPOST_ASSERT(segment_);
  pieces_.clear();
  std::uint64_t end = end_;
  for (Operation& operation : operations) {
    number_record(operation, end);
    pieces_.push_back(piece(view(operation.header_bytes)));
    if (!operation.meta.empty()) pieces_.push_back(piece(operation.meta));
    if (!operation.body.empty()) pieces_.push_back(piece(operation.body));
    end += operation.header.record_size();
  }
  if (sync) add_padding(end);
  const std::uint64_t begin = std::exchange(end_, end);
  if (!pieces_.empty()) {
    if (auto written = segment_->file->write(pieces_, begin); !written) return written;
  }
  if (!sync) return {};
  if (auto synced = segment_->file->sync(); !synced) return synced;
  durable_end_ = end_;
  durable_sequence_ = written_sequence_;
  return {};
}

Result<> Chain::seal() {
  if (!segment_) return {};
  std::array<Operation, 1> last;
  last[0].header.type = RecordType::segment_end;
  if (auto written = write(last, true); !written) return written;
  catalogue_.seal(segment_->number);
  segment_.reset();
  return {};
}

void Chain::adopt(SegmentPtr segment) {
  WAYPOST_ASSERT(!segment_);
  segment_ = std::move(segment);
  end_ = durable_end_ = kBlockSize;  // behind the first record and its padding
  written_sequence_ = durable_sequence_ = 0;
  catalogue_.add_segment(segment_);
}

AbortMark Chain::abandon() {
  WAYPOST_ASSERT(segment_);
  const AbortMark mark{segment_->number, durable_end_};
  catalogue_.mark_failed(segment_->number);
  segment_.reset();
  return mark;
}

}  // namespace waypost::spool
