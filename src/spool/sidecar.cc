#include "spool/sidecar.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "mail/envelope_codec.h"
#include "spool/crc32c.h"

namespace waypost::spool {

namespace {

constexpr std::string_view kMagic = "WPX1";
constexpr std::size_t kSumSize = 4;
constexpr std::uint64_t kHasMeta = 1, kEndedInOrder = 1;
constexpr std::size_t kSkimBytes = 1024;  // a header and most envelopes
constexpr std::uint64_t kMaxSidecarBytes = std::uint64_t{1} << 31;

std::string sum_of(std::string_view bytes) {
  const std::uint32_t sum = crc32c(bytes);
  std::string text;
  for (unsigned i = 0; i < kSumSize; ++i) text.push_back(static_cast<char>(sum >> (8 * i)));
  return text;
}

// Takes `size` bytes from the front; false when there are fewer.
bool take_bytes(std::string_view& bytes, std::uint64_t size, std::string& into) {
  if (size > bytes.size()) return false;
  into.assign(bytes.substr(0, size));
  bytes.remove_prefix(size);
  return true;
}

void put_record(std::string& out, const SummaryRecord& record, bool with_meta) {
  const HeaderBytes header = encode(record.header);
  out.append(header.data(), header.size());
  mail::put_varint(out, record.offset);
  mail::put_varint(out, with_meta ? kHasMeta : 0);
  if (!with_meta) return;
  out.append(record.meta);
  out.append(record.progress);
}

bool take_record(std::string_view& bytes, SummaryRecord& record) {
  const auto header = decode_header(bytes);
  if (!header) return false;
  bytes.remove_prefix(kRecordHeaderSize);
  record.header = *header;
  const auto offset = mail::take_varint(bytes);
  const auto flags = mail::take_varint(bytes);
  if (!offset || !flags || *flags > kHasMeta) return false;
  record.offset = *offset;
  record.has_meta = *flags == kHasMeta;
  if (!record.has_meta) return true;
  return take_bytes(bytes, header->meta_size, record.meta) && take_bytes(bytes, header->progress_size, record.progress);
}

}  // namespace

Result<SegmentSummary> summarise(File& file, std::uint32_t number) {
  SegmentSummary summary;
  summary.number = number;
  const auto report = walk_segment(file, number, [&](const WalkedRecord& record) {
    summary.nonce = record.header.nonce;
    if (record.header.type == RecordType::padding) return;
    summary.records.push_back(
        {record.offset, record.header, true, std::string(record.meta), std::string(record.progress)});
  });
  if (!report) return std::unexpected(report.error());
  summary.report = *report;
  return summary;
}

Result<SegmentSummary> skim(File& file, std::uint32_t number) {
  SegmentSummary summary;
  summary.number = number;
  std::string bytes(kSkimBytes, '\0');
  while (!summary.report.ended_in_order) {
    const std::uint64_t at = summary.report.end;
    const auto got = file.read(bytes, at);
    if (!got) return std::unexpected(got.error());
    const auto header = decode_header(std::string_view(bytes).substr(0, *got));
    if (!header || header->segment != number)
      return fail(Errc::corrupt, fmt::format("{} does not go on at {}", segment_name(number), at));
    summary.nonce = header->nonce;
    summary.report.end = at + header->record_size();
    summary.report.last_sequence = std::max(summary.report.last_sequence, header->sequence);
    summary.report.ended_in_order = header->type == RecordType::segment_end;
    if (header->type == RecordType::padding) continue;
    const std::size_t size = std::size_t{header->meta_size} + header->progress_size;
    auto meta = *got >= kRecordHeaderSize + size ? Result<std::string>(bytes.substr(kRecordHeaderSize, size))
                                                 : read_exactly(file, at + kRecordHeaderSize, size);
    if (!meta) return std::unexpected(meta.error());
    if (crc32c(*meta) != header->meta_sum)
      return fail(Errc::corrupt, fmt::format("{} is damaged at {}", segment_name(number), at));
    summary.records.push_back({at, *header, true, meta->substr(0, header->meta_size), meta->substr(header->meta_size)});
  }
  return summary;
}

std::string encode_sidecar(const SegmentSummary& summary, const std::function<bool(const SummaryRecord&)>& keep_meta) {
  std::string out;
  for (const std::uint64_t value :
       {std::uint64_t{summary.number}, std::uint64_t{summary.nonce}, summary.report.end, summary.report.last_sequence,
        std::uint64_t{summary.report.ended_in_order ? kEndedInOrder : 0}, summary.records.size()})
    mail::put_varint(out, value);
  for (const SummaryRecord& record : summary.records)
    put_record(out, record, record.has_meta && (!record.header.is_message() || keep_meta(record)));
  return std::string(kMagic) + sum_of(out) + out;
}

Result<SegmentSummary> decode_sidecar(std::string_view bytes, std::uint32_t number) {
  const auto corrupt = [&] { return fail(Errc::corrupt, fmt::format("{} does not check", sidecar_name(number))); };
  if (bytes.size() < kMagic.size() + kSumSize || !bytes.starts_with(kMagic)) return corrupt();
  const std::string_view sum = bytes.substr(kMagic.size(), kSumSize);
  bytes.remove_prefix(kMagic.size() + kSumSize);
  if (sum != sum_of(bytes)) return corrupt();
  SegmentSummary summary;
  const auto stored_number = mail::take_varint(bytes);
  const auto nonce = mail::take_varint(bytes);
  const auto end = mail::take_varint(bytes);
  const auto last_sequence = mail::take_varint(bytes);
  const auto ended = mail::take_varint(bytes);
  const auto count = mail::take_varint(bytes);
  if (stored_number != number || !nonce || !end || !last_sequence || !ended || !count) return corrupt();
  summary.number = number;
  summary.nonce = static_cast<std::uint32_t>(*nonce);
  summary.report.end = *end;
  summary.report.last_sequence = *last_sequence;
  summary.report.ended_in_order = *ended == kEndedInOrder;
  if (*count > bytes.size() / kRecordHeaderSize) return corrupt();
  summary.records.resize(*count);
  for (SummaryRecord& record : summary.records)
    if (!take_record(bytes, record) || record.header.segment != number) return corrupt();
  if (!bytes.empty()) return corrupt();
  return summary;
}

Result<> write_sidecar(FileSystem& files, const std::string& directory, const SegmentSummary& summary,
                       const std::function<bool(const SummaryRecord&)>& keep_meta) {
  const std::string path = fmt::format("{}/{}", directory, sidecar_name(summary.number));
  const std::string temporary = path + std::string(kTemporarySuffix);
  auto created = files.create(temporary);
  if (!created && created.error().code == Errc::exists) {
    if (auto removed = files.unlink(temporary); !removed) return removed;
    created = files.create(temporary);
  }
  if (!created) return std::unexpected(created.error());
  auto written = write_bytes(**created, encode_sidecar(summary, keep_meta), 0);
  if (written) written = (*created)->sync();
  if (written) return files.rename(temporary, path);
  std::ignore = files.unlink(temporary);  // at start it would be swept away anyhow
  return written;
}

Result<SegmentSummary> read_sidecar(FileSystem& files, const std::string& directory, std::uint32_t number) {
  const auto file = files.open_to_read(fmt::format("{}/{}", directory, sidecar_name(number)));
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*size > kMaxSidecarBytes) return fail(Errc::corrupt, fmt::format("{} is too large", sidecar_name(number)));
  const auto bytes = read_exactly(**file, 0, *size);
  if (!bytes) return std::unexpected(bytes.error());
  return decode_sidecar(*bytes, number);
}

}  // namespace waypost::spool
