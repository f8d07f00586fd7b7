// The records of the segment log: a fixed header, then up to three parts: meta, progress, body. The grammar with a
// worked example is in docs/spool-format.md. A record is whole when its header checks, names the segment it stands in,
// and both payload sums check; nothing else is ever believed. Pure, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/queue_id.h"

namespace waypost::spool {

enum class RecordType : std::uint8_t {
  segment_start = 1,  // first of each segment: version, sizes, floors of the counters
  message = 2,        // meta: envelope; body: the whole content
  chunk = 3,          // body: part number `part` of a streamed message
  commit = 4,         // meta: envelope; body: the last piece; `part`: how many chunks go before it
  progress = 5,       // progress: the delivery state as it is now
  removal = 6,        // meta: the segments in which copies of the message may stand
  abort = 7,          // meta: segment and offset; what stands there or behind was never accepted
  padding = 8,        // up to the next block; body: nothing that means anything
  segment_end = 9,    // last of a segment that was left in order
};

inline constexpr std::size_t kRecordHeaderSize = 68;
inline constexpr std::uint8_t kSurvivorFlag = 1;  // copied forward from an older segment
// What follows a sync begins at a multiple of this, so that no later write touches a block that was acknowledged.
inline constexpr std::uint64_t kBlockSize = 4096;

struct RecordHeader {
  RecordType type = RecordType::message;
  std::uint8_t flags = 0;
  std::uint32_t segment = 0;
  std::uint32_t nonce = 0;     // random for each segment: the content of a mail cannot forge a record
  std::uint64_t sequence = 0;  // counts all records of the spool
  std::uint64_t durable = 0;   // the last sequence of this segment that was synced when this was written
  std::uint64_t id = 0;        // QueueId::bits
  std::uint32_t part = 0;
  std::uint32_t meta_size = 0, progress_size = 0, body_size = 0;
  std::uint32_t meta_sum = 0;  // CRC32C over meta and progress
  std::uint32_t body_sum = 0;

  std::uint64_t payload_size() const {
    return std::uint64_t{meta_size} + std::uint64_t{progress_size} + std::uint64_t{body_size};
  }
  std::uint64_t record_size() const { return kRecordHeaderSize + payload_size(); }
  bool is_message() const { return type == RecordType::message || type == RecordType::commit; }
};

using HeaderBytes = std::array<char, kRecordHeaderSize>;
HeaderBytes encode(const RecordHeader& header);
// nullopt: wrong magic, sum, type or a length beyond the limits. Does not look at the payload.
std::optional<RecordHeader> decode_header(std::string_view bytes);
// The first place at or after `from` where a header could begin; npos when there is none.
std::size_t find_magic(std::string_view bytes, std::size_t from);

// The progress part of a record: the sequence under which it was first written, then the encoded state. A survivor
// keeps that sequence, so that a newer state written meanwhile in the other chain still wins.
struct ProgressPart {
  std::uint64_t sequence = 0;
  std::string_view state;
};
std::string encode_progress_part(std::uint64_t sequence, std::string_view state);
std::optional<ProgressPart> decode_progress_part(std::string_view bytes);

struct SegmentStart {
  std::uint64_t size_bytes = 0;
  std::uint64_t sequence_floor = 0;  // every later record counts from above this
  std::uint64_t number_floor = 0;    // every queue id number given out before is below this
};
std::string encode(const SegmentStart& start);
std::optional<SegmentStart> decode_segment_start(std::string_view meta);

struct AbortMark {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  auto operator<=>(const AbortMark&) const = default;
};
std::string encode(const AbortMark& mark);
std::optional<AbortMark> decode_abort(std::string_view meta);

std::string encode_removal(std::span<const std::uint32_t> segments);
std::optional<std::vector<std::uint32_t>> decode_removal(std::string_view meta);

// "0000000000000042.seg", and back. Numbers of segments stay below 2^32: 64 MB each, that is 256 PB of mail.
std::string segment_name(std::uint32_t number);
std::string sidecar_name(std::uint32_t number);
std::optional<std::uint32_t> parse_name(std::string_view name, std::string_view suffix);
inline constexpr std::string_view kSegmentSuffix = ".seg";
inline constexpr std::string_view kSidecarSuffix = ".idx";
inline constexpr std::string_view kTemporarySuffix = ".tmp";

}  // namespace waypost::spool
