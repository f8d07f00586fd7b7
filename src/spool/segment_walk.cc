#include "spool/segment_walk.h"

#include <algorithm>

#include "spool/crc32c.h"

namespace waypost::spool {

namespace {

constexpr std::size_t kReadAhead = 1 << 20;

// A window onto the file that grows to what is asked for and moves forward with the reader.
class Window {
 public:
  Window(File& file, std::uint64_t file_size) : file_(file), file_size_(file_size) {}

  // At least `size` bytes from `offset`, fewer at the end of the file. Valid until the next call.
  Result<std::string_view> at(std::uint64_t offset, std::size_t size) {
    if (offset >= file_size_) return std::string_view();
    const std::uint64_t wanted_end = std::min(offset + size, file_size_);
    if (offset < begin_ || wanted_end > begin_ + bytes_.size()) {
      if (auto filled = fill(offset, wanted_end); !filled) return std::unexpected(filled.error());
    }
    return std::string_view(bytes_).substr(offset - begin_);
  }
  std::uint64_t file_size() const { return file_size_; }

 private:
  Result<> fill(std::uint64_t offset, std::uint64_t wanted_end) {
    const std::uint64_t end = std::min(std::max(wanted_end, offset + kReadAhead), file_size_);
    bytes_.resize(end - offset);
    const auto got = file_.read(bytes_, offset);
    if (!got) return std::unexpected(got.error());
    bytes_.resize(*got);
    begin_ = offset;
    if (*got < end - offset) file_size_ = offset + *got;  // it became shorter meanwhile
    return {};
  }

  File& file_;
  std::uint64_t file_size_;
  std::uint64_t begin_ = 0;
  std::string bytes_;
};

class Walk {
 public:
  Walk(File& file, std::uint64_t size, std::uint32_t number, const std::function<void(const WalkedRecord&)>& each)
      : window_(file, size), number_(number), each_(each) {}

  Result<WalkReport> run() {
    std::uint64_t at = 0;
    while (true) {
      const auto next = next_whole(at);
      if (!next) return std::unexpected(next.error());
      if (!*next) break;
      if (record_.offset > at) report_.gaps.push_back({at, record_.offset, false}), before_gap_.push_back(last_);
      accept();
      at = report_.end;
    }
    if (auto measured = measure_torn(at); !measured) return std::unexpected(measured.error());
    return std::move(report_);
  }

 private:
  void accept() {
    // What this record knows to be durable condemns the gaps before it that had not been written yet.
    for (std::size_t i = 0; i < report_.gaps.size(); ++i)
      if (record_.header.durable > before_gap_[i]) report_.gaps[i].was_durable = true;
    nonce_ = record_.header.nonce;
    last_ = record_.header.sequence;
    report_.last_sequence = std::max(report_.last_sequence, last_);
    report_.end = record_.offset + record_.header.record_size();
    report_.ended_in_order = record_.header.type == RecordType::segment_end;
    each_(record_);
  }

  // Puts the first whole record at or behind `from` into record_; false when there is none.
  Result<bool> next_whole(std::uint64_t from) {
    std::uint64_t at = from;
    while (at + kRecordHeaderSize <= window_.file_size()) {
      const auto bytes = window_.at(at, kRecordHeaderSize);
      if (!bytes) return std::unexpected(bytes.error());
      if (const auto header = decode_header(*bytes); header && belongs(*header)) {
        const auto whole = check(at, *header);
        if (!whole || *whole) return whole;
        at += header->record_size();  // the length was summed: never search inside a body for what a sender put there
        continue;
      }
      const std::size_t magic = find_magic(*bytes, 1);
      // A magic may begin in the last three bytes of what was looked at.
      constexpr std::size_t kOverlap = 3;
      at += magic != std::string_view::npos
                ? magic
                : std::max<std::size_t>(1, bytes->size() - std::min(bytes->size(), kOverlap));
    }
    return false;
  }

  bool belongs(const RecordHeader& header) const {
    return header.segment == number_ && (!nonce_ || header.nonce == *nonce_);
  }

  Result<bool> check(std::uint64_t at, const RecordHeader& header) {
    if (header.record_size() > window_.file_size() - at) return false;
    const auto bytes = window_.at(at, header.record_size());
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->size() < header.record_size()) return false;
    const std::size_t meta_and_progress = std::size_t{header.meta_size} + header.progress_size;
    const std::string_view payload = bytes->substr(kRecordHeaderSize, header.payload_size());
    if (crc32c(payload.substr(0, meta_and_progress)) != header.meta_sum) return false;
    const std::string_view body = payload.substr(meta_and_progress);
    if (header.type != RecordType::padding && crc32c(body) != header.body_sum) return false;
    record_ = {at, header, payload.substr(0, header.meta_size), payload.substr(header.meta_size, header.progress_size),
               body};
    return true;
  }

  Result<> measure_torn(std::uint64_t at) {
    const auto bytes = window_.at(at, kRecordHeaderSize);
    if (!bytes) return std::unexpected(bytes.error());
    const auto header = decode_header(*bytes);
    if (header && header->segment == number_)
      report_.torn_bytes = std::min(header->record_size(), window_.file_size() - at);
    return {};
  }

  Window window_;
  std::uint32_t number_;
  std::optional<std::uint32_t> nonce_;  // of the first whole record
  const std::function<void(const WalkedRecord&)>& each_;
  WalkedRecord record_;
  WalkReport report_;
  std::uint64_t last_ = 0;                 // sequence of the last whole record
  std::vector<std::uint64_t> before_gap_;  // that sequence, at each gap
};

}  // namespace

Result<WalkReport> walk_segment(File& file, std::uint32_t number,
                                const std::function<void(const WalkedRecord&)>& each) {
  const auto size = file.size();
  if (!size) return std::unexpected(size.error());
  return Walk(file, *size, number, each).run();
}

}  // namespace waypost::spool
