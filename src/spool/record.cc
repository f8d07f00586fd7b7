#include "spool/record.h"

#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "mail/envelope_codec.h"
#include "spool/crc32c.h"

namespace waypost::spool {

namespace {

constexpr std::string_view kMagic = "WPR1";
constexpr std::size_t kSumOffset = 4, kSummedOffset = 8;
constexpr std::uint64_t kFormatVersion = 1;
constexpr std::size_t kNumberDigits = 16;
constexpr std::size_t kMaxRemovalTargets = 4096;
constexpr std::uint32_t kMaxPayloadPart = 1U << 30;

// Little-endian on every machine.
class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}
  template <class T>
  void put(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) *at_++ = static_cast<char>(value >> (8 * i));
  }

 private:
  char* at_;
};

class Parser {
 public:
  explicit Parser(std::string_view bytes) : at_(bytes.begin()) {}
  template <class T>
  T take() {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      const auto byte = static_cast<unsigned char>(*at_++);
      value = static_cast<T>(value | (T{byte} << (8 * i)));
    }
    return value;
  }

 private:
  std::string_view::const_iterator at_;
};

bool known(std::uint8_t type) {
  return type >= static_cast<std::uint8_t>(RecordType::segment_start) &&
         type <= static_cast<std::uint8_t>(RecordType::segment_end);
}

}  // namespace

HeaderBytes encode(const RecordHeader& header) {
  HeaderBytes bytes{};
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  Writer out(bytes.data() + kSummedOffset);
  out.put(header.segment);
  out.put(header.nonce);
  out.put(header.sequence);
  out.put(header.durable);
  out.put(header.id);
  out.put(static_cast<std::uint8_t>(header.type));
  out.put(header.flags);
  out.put(std::uint16_t{0});
  out.put(header.part);
  out.put(header.meta_size);
  out.put(header.progress_size);
  out.put(header.body_size);
  out.put(header.meta_sum);
  out.put(header.body_sum);
  Writer sum(bytes.data() + kSumOffset);
  sum.put(crc32c(std::string_view(bytes.data(), bytes.size()).substr(kSummedOffset)));
  return bytes;
}

std::optional<RecordHeader> decode_header(std::string_view bytes) {
  if (bytes.size() < kRecordHeaderSize || !bytes.starts_with(kMagic)) return std::nullopt;
  const std::string_view summed = bytes.substr(kSummedOffset, kRecordHeaderSize - kSummedOffset);
  if (Parser(bytes.substr(kSumOffset)).take<std::uint32_t>() != crc32c(summed)) return std::nullopt;
  Parser in(summed);
  RecordHeader header;
  header.segment = in.take<std::uint32_t>();
  header.nonce = in.take<std::uint32_t>();
  header.sequence = in.take<std::uint64_t>();
  header.durable = in.take<std::uint64_t>();
  header.id = in.take<std::uint64_t>();
  const auto type = in.take<std::uint8_t>();
  header.flags = in.take<std::uint8_t>();
  const auto reserved = in.take<std::uint16_t>();
  header.part = in.take<std::uint32_t>();
  header.meta_size = in.take<std::uint32_t>();
  header.progress_size = in.take<std::uint32_t>();
  header.body_size = in.take<std::uint32_t>();
  header.meta_sum = in.take<std::uint32_t>();
  header.body_sum = in.take<std::uint32_t>();
  if (!known(type) || reserved != 0) return std::nullopt;
  if (header.meta_size > kMaxPayloadPart || header.progress_size > kMaxPayloadPart ||
      header.body_size > kMaxPayloadPart)
    return std::nullopt;
  header.type = static_cast<RecordType>(type);
  return header;
}

std::size_t find_magic(std::string_view bytes, std::size_t from) {
  if (from >= bytes.size()) return std::string_view::npos;
  const void* found = ::memmem(bytes.data() + from, bytes.size() - from, kMagic.data(), kMagic.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
}

std::string encode_progress_part(std::uint64_t sequence, std::string_view state) {
  std::string part(sizeof sequence, '\0');
  Writer(part.data()).put(sequence);
  part.append(state);
  return part;
}

std::optional<ProgressPart> decode_progress_part(std::string_view bytes) {
  if (bytes.size() < sizeof(std::uint64_t)) return std::nullopt;
  return ProgressPart{Parser(bytes).take<std::uint64_t>(), bytes.substr(sizeof(std::uint64_t))};
}

std::string encode(const SegmentStart& start) {
  std::string meta;
  mail::put_varint(meta, kFormatVersion);
  mail::put_varint(meta, start.size_bytes);
  mail::put_varint(meta, start.sequence_floor);
  mail::put_varint(meta, start.number_floor);
  return meta;
}

std::optional<SegmentStart> decode_segment_start(std::string_view meta) {
  const auto version = mail::take_varint(meta);
  const auto size = mail::take_varint(meta);
  const auto sequence = mail::take_varint(meta);
  const auto number = mail::take_varint(meta);
  if (version != kFormatVersion || !size || !sequence || !number || !meta.empty()) return std::nullopt;
  return SegmentStart{*size, *sequence, *number};
}

std::string encode(const AbortMark& mark) {
  std::string meta;
  mail::put_varint(meta, mark.segment);
  mail::put_varint(meta, mark.offset);
  return meta;
}

std::optional<AbortMark> decode_abort(std::string_view meta) {
  const auto segment = mail::take_varint(meta);
  const auto offset = mail::take_varint(meta);
  if (!segment || !offset || !meta.empty()) return std::nullopt;
  return AbortMark{*segment, *offset};
}

std::string encode_removal(std::span<const std::uint32_t> segments) {
  std::string meta;
  for (const std::uint32_t segment : segments) mail::put_varint(meta, segment);
  return meta;
}

std::optional<std::vector<std::uint32_t>> decode_removal(std::string_view meta) {
  std::vector<std::uint32_t> segments;
  while (!meta.empty()) {
    const auto segment = mail::take_varint(meta);
    if (!segment || *segment > UINT32_MAX || segments.size() >= kMaxRemovalTargets) return std::nullopt;
    segments.push_back(static_cast<std::uint32_t>(*segment));
  }
  return segments;
}

std::string segment_name(std::uint32_t number) { return fmt::format("{:016X}{}", number, kSegmentSuffix); }
std::string sidecar_name(std::uint32_t number) { return fmt::format("{:016X}{}", number, kSidecarSuffix); }

std::optional<std::uint32_t> parse_name(std::string_view name, std::string_view suffix) {
  if (name.size() != kNumberDigits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  const auto number = parse_hex(name.substr(0, kNumberDigits));
  if (!number || *number == 0 || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace waypost::spool
