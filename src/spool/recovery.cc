#include "spool/recovery.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "mail/envelope_codec.h"

namespace waypost::spool {

namespace {

constexpr std::size_t kMaxNotes = 1000;
constexpr std::uint64_t kCopySlice = 1 << 20;

Place place_of(std::uint32_t segment, const SummaryRecord& record) {
  return {segment, static_cast<std::uint32_t>(record.offset), static_cast<std::uint32_t>(record.header.record_size())};
}

}  // namespace

Recovery::Recovery(FileSystem& files, std::string directory, RecoveryMode mode)
    : files_(files), directory_(std::move(directory)), mode_(mode) {}

Result<> Recovery::run() {
  if (auto opened = open_segments(); !opened) return opened;
  for (const auto& entry : segments_)
    if (auto read = read_segment(entry.first); !read) return read;
  if (!aborts_.empty()) {
    // What was taken before its abort record was seen: once more, now that all of them are known.
    messages_.clear();
    parts_.clear();
    for (const auto& entry : segments_)
      if (auto read = read_segment(entry.first); !read) return read;
  }
  settle();
  return {};
}

Result<> Recovery::open_segments() {
  const auto entries = files_.list(directory_);
  if (!entries) return std::unexpected(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = fmt::format("{}/{}", directory_, entry.name);
    if (entry.name.ends_with(kTemporarySuffix) && mode_ == RecoveryMode::start) std::ignore = files_.unlink(path);
    const auto number = parse_name(entry.name, kSegmentSuffix);
    if (!number) continue;
    auto file = mode_ == RecoveryMode::start ? files_.open(path) : files_.open_to_read(path);
    if (!file && mode_ != RecoveryMode::start && file.error().code == Errc::not_found) continue;
    if (!file) return std::unexpected(file.error());
    auto segment = std::make_shared<Segment>();
    segment->number = *number;
    segment->size = entry.size;
    segment->file = std::move(*file);
    segments_[*number].segment = std::move(segment);
    last_segment_ = std::max(last_segment_, *number);
  }
  for (const DirectoryEntry& entry : *entries) {
    const auto number = parse_name(entry.name, kSidecarSuffix);
    if (number && !segments_.contains(*number) && mode_ == RecoveryMode::start)
      std::ignore = files_.unlink(fmt::format("{}/{}", directory_, entry.name));
  }
  return {};
}

// From the sidecar, or else from the segment itself; what had to be walked once is kept, or gets a sidecar.
Result<SegmentSummary> Recovery::summary(std::uint32_t number) {
  if (const auto kept = summaries_.find(number); kept != summaries_.end()) return kept->second;
  RecoveredSegment& segment = segments_.at(number);
  auto read = mode_ == RecoveryMode::walk ? Result<SegmentSummary>(fail(Errc::not_found, {}))
                                          : read_sidecar(files_, directory_, number);
  if (read) {
    segment.has_sidecar = true;
    return read;
  }
  if (read.error().code == Errc::corrupt && report_.notes.size() < kMaxNotes) {
    report_.notes.push_back(fmt::format("{}; the segment is read instead", read.error().text));
  }
  auto walked = summarise(*segment.segment->file, number);
  if (!walked) return walked;
  if (!walked->report.gaps.empty() && went_away(number)) return SegmentSummary{.number = number};
  segment.report = walked->report;
  note_gaps(number);
  summaries_[number] = *walked;
  return walked;
}

Result<> Recovery::read_segment(std::uint32_t number) {
  const auto read = summary(number);
  if (!read) return std::unexpected(read.error());
  RecoveredSegment& segment = segments_.at(number);
  auto with_nonce = std::make_shared<Segment>(*segment.segment);
  with_nonce->nonce = read->nonce;
  segment.segment = std::move(with_nonce);
  segment.report = read->report;
  last_sequence_ = std::max(last_sequence_, read->report.last_sequence);
  if (read->report.ended_in_order) segment.durable_sequence = read->report.last_sequence;
  for (const SummaryRecord& record : read->records) {
    segment.durable_sequence = std::max(segment.durable_sequence, record.header.durable);
    take_record(segment, record);
  }
  return {};
}

void Recovery::take_record(RecoveredSegment& segment, const SummaryRecord& record) {
  const RecordHeader& header = record.header;
  const Place place = place_of(segment.segment->number, record);
  const QueueId id = QueueId::from_bits(header.id);
  last_number_ = std::max(last_number_, id.number());
  if (id.is_long()) report_.newest_long = std::max(report_.newest_long, id);
  if (header.type == RecordType::segment_start) return take_start(segment, record);
  segment.empty = false;
  switch (header.type) {
    case RecordType::message:
    case RecordType::commit:
      return take_message(segment, record, place);
    case RecordType::chunk:
      if (aborted(place.segment, record.offset)) return;
      if (Part& part = parts_[header.id][header.part]; part.sequence <= header.sequence)
        part = {header.sequence, place};
      return;
    case RecordType::progress:
      return take_progress(id, header.sequence, place, record.progress);
    case RecordType::removal: {
      removed_.insert(header.id);
      const auto targets = decode_removal(record.meta);
      if (targets) segment.targets.insert(segment.targets.end(), targets->begin(), targets->end());
      return;
    }
    case RecordType::abort: {
      const auto mark = decode_abort(record.meta);
      if (!mark) return;
      if (std::ranges::find(aborts_, *mark) == aborts_.end()) aborts_.push_back(*mark);
      segment.targets.push_back(static_cast<std::uint32_t>(mark->segment));
      return;
    }
    default:
      return;
  }
}

void Recovery::take_start(RecoveredSegment& segment, const SummaryRecord& record) {
  const auto start = decode_segment_start(record.meta);
  if (!start) return;
  segment.has_header = record.offset == 0;
  last_sequence_ = std::max(last_sequence_, start->sequence_floor);
  if (start->number_floor > 0) last_number_ = std::max(last_number_, start->number_floor - 1);
}

void Recovery::take_message(RecoveredSegment& segment, const SummaryRecord& record, Place place) {
  const RecordHeader& header = record.header;
  if (aborted(place.segment, record.offset)) return;
  Found& found = messages_[header.id];
  if (found.sequence > header.sequence) {
    segment.holds_stale_copies = true;
    return;
  }
  if (found.place && found.place.segment != place.segment) segments_.at(found.place.segment).holds_stale_copies = true;
  found.sequence = header.sequence;
  found.place = place;
  found.parts = header.part;
  // The state that a survivor carries may be newer or older than one that was written apart.
  const auto part = decode_progress_part(record.progress);
  if (part && part->sequence >= found.progress_sequence) {
    found.progress_sequence = part->sequence;
    found.progress = {};
    found.state = part->state;
  }
}

void Recovery::take_progress(QueueId id, std::uint64_t sequence, Place place, std::string state) {
  Found& found = messages_[id.bits()];
  // Equal: the state was merged into a survivor, which then holds it.
  if (found.progress_sequence >= sequence) return;
  found.progress_sequence = sequence;
  found.progress = place;
  found.state = std::move(state);
}

bool Recovery::aborted(std::uint32_t segment, std::uint64_t offset) const {
  return std::ranges::any_of(aborts_,
                             [&](const AbortMark& mark) { return mark.segment == segment && offset >= mark.offset; });
}

bool Recovery::complete(std::uint64_t id, const Found& found) const {
  if (found.parts == 0) return true;
  const auto parts = parts_.find(id);
  // Keys are part numbers in order: the first `parts` of them are there when the last of these is the right one.
  if (parts == parts_.end() || parts->second.size() < found.parts) return false;
  return std::next(parts->second.begin(), found.parts - 1)->first == found.parts - 1;
}

bool Recovery::was_durable(const Found& found) const {
  return segments_.at(found.place.segment).durable_sequence >= found.sequence;
}

// Leaves in messages_ what lives, in parts_ what belongs to it, and counts.
void Recovery::settle() {
  std::vector<std::uint64_t> gone;
  for (const auto& [id, found] : messages_) {
    if (!found.place || removed_.contains(id)) {
      gone.push_back(id);
    } else if (!complete(id, found)) {
      gone.push_back(id);
      // Its commit may have reached the disk before its last chunks did: then nobody was told that it had been
      // accepted.
      if (was_durable(found))
        quarantine(found.place.segment, found.place.offset, std::uint64_t{found.place.offset} + found.place.size,
                   fmt::format("message {} lacks a part", QueueId::from_bits(id).text()));
    }
  }
  for (const std::uint64_t id : gone) messages_.erase(id);
  for (const auto& [id, parts] : parts_)
    if (!messages_.contains(id) && !removed_.contains(id)) ++report_.unfinished_messages;
  if (report_.unfinished_messages > 0)
    report_.notes.push_back(
        fmt::format("{} messages were not finished when the spool ended", report_.unfinished_messages));
  for (const auto& [number, segment] : segments_)
    if (segment.report.torn_bytes > 0) {
      report_.torn_bytes += segment.report.torn_bytes;
      report_.notes.push_back(fmt::format("{}: {} bytes of an unfinished write are cut off at {}", segment_name(number),
                                          segment.report.torn_bytes, segment.report.end));
    }
  report_.next_number = last_number_ + 1;
}

// Used again under another name while it was being read: then its gaps mean nothing.
bool Recovery::went_away(std::uint32_t number) {
  if (mode_ == RecoveryMode::start) return false;
  const auto again = files_.open_to_read(fmt::format("{}/{}", directory_, segment_name(number)));
  return !again && again.error().code == Errc::not_found;
}

void Recovery::note_gaps(std::uint32_t number) {
  for (const Gap& gap : segments_.at(number).report.gaps) {
    if (gap.was_durable)
      quarantine(number, gap.begin, gap.end, "damaged");
    else
      report_.torn_bytes += gap.end - gap.begin;
  }
}

// Copies the bytes to quarantine/ for whoever wants to look at them; never fails the start.
void Recovery::quarantine(std::uint32_t segment, std::uint64_t begin, std::uint64_t end, std::string_view why) {
  ++report_.quarantined_records;
  damage_.push_back({segments_.at(segment).segment, begin, end});
  const std::string name = fmt::format("{:016X}-{:08X}.bad", segment, begin);
  if (report_.notes.size() < kMaxNotes)
    report_.notes.push_back(fmt::format("{} at {}: {} bytes, {}{}", segment_name(segment), begin, end - begin, why,
                                        mode_ == RecoveryMode::start ? "; see quarantine/" + name : ""));
  if (mode_ != RecoveryMode::start) return;
  const std::string folder = directory_ + "/quarantine";
  if (!files_.make_directory(folder)) return;
  auto copy = files_.create(fmt::format("{}/{}", folder, name));
  if (!copy) return;
  for (std::uint64_t at = begin; at < end; at += kCopySlice) {
    const auto bytes = read_exactly(*segments_.at(segment).segment->file, at, std::min(kCopySlice, end - at));
    if (!bytes || !write_bytes(**copy, *bytes, at - begin)) return;
  }
  std::ignore = (*copy)->sync();
}

Result<> Recovery::deliver(const std::function<void(StoredMessage)>& each) {
  for (const auto& entry : segments_) {
    const auto read = summary(entry.first);
    if (!read) return std::unexpected(read.error());
    for (const SummaryRecord& record : read->records) {
      if (!record.header.is_message()) continue;
      const auto found = messages_.find(record.header.id);
      if (found == messages_.end() || found->second.place != place_of(entry.first, record)) continue;
      auto message = decode(record, found->second);
      if (!message) {
        quarantine(entry.first, record.offset, record.offset + record.header.record_size(), message.error().text);
        messages_.erase(record.header.id);
        continue;
      }
      ++report_.messages;
      report_.bytes += message->size;
      each(std::move(*message));
    }
    summaries_.erase(entry.first);
  }
  return {};
}

Result<StoredMessage> Recovery::decode(const SummaryRecord& record, const Found& found) {
  std::string meta = record.meta;
  if (!record.has_meta) {
    auto bytes = read_exactly(*segments_.at(found.place.segment).segment->file, record.offset + kRecordHeaderSize,
                              record.header.meta_size);
    if (!bytes) return std::unexpected(bytes.error());
    meta = std::move(*bytes);
  }
  auto envelope = mail::decode_envelope(meta);
  if (!envelope) return std::unexpected(envelope.error());
  StoredMessage message;
  message.envelope = std::move(*envelope);
  message.envelope.id = QueueId::from_bits(record.header.id);
  message.size = content_size(message.envelope.id, record.header);
  if (found.progress_sequence == 0) return message;
  if (auto progress = mail::decode_progress(found.state); progress)
    message.progress = std::move(*progress);
  else  // rather a repeated delivery than a lost message
    report_.notes.push_back(fmt::format("message {}: {}", message.envelope.id.text(), progress.error().text));
  return message;
}

std::uint64_t Recovery::content_size(QueueId id, const RecordHeader& header) const {
  // The sizes of the chunks are those of their records without headers: chunks have nothing but a body.
  std::uint64_t size = header.body_size;
  for (const Located& chunk : chunks(id)) size += chunk.place.size - kRecordHeaderSize;
  return size;
}

void Recovery::fill(Catalogue& catalogue) const {
  catalogue.reserve(messages_.size());
  for (const auto& [id, found] : messages_) {
    const QueueId queue_id = QueueId::from_bits(id);
    std::vector<Place> places;
    for (const Located& chunk : chunks(queue_id)) places.push_back(chunk.place);
    catalogue.insert(queue_id, found.place, places);
    if (found.progress) catalogue.set_progress(queue_id, found.progress);
  }
}

const Recovery::Found* Recovery::find(QueueId id) const {
  const auto found = messages_.find(id.bits());
  return found == messages_.end() ? nullptr : &found->second;
}

std::optional<LocatedMessage> Recovery::locate(QueueId id) const {
  const Found* found = find(id);
  if (found == nullptr) return std::nullopt;
  LocatedMessage message;
  message.message = {found->place, segment(found->place.segment)};
  if (found->progress_sequence != 0) message.pending_progress = std::make_shared<const std::string>(found->state);
  message.chunks = chunks(id);
  return message;
}

std::vector<QueueId> Recovery::ids() const {
  std::vector<QueueId> ids;
  ids.reserve(messages_.size());
  for (const auto& entry : messages_) ids.push_back(QueueId::from_bits(entry.first));
  std::ranges::sort(ids, {}, &QueueId::number);
  return ids;
}

std::vector<Located> Recovery::chunks(QueueId id) const {
  std::vector<Located> chunks;
  const Found* found = find(id);
  const auto parts = parts_.find(id.bits());
  if (found == nullptr || found->parts == 0 || parts == parts_.end()) return chunks;
  for (const auto& [number, part] : parts->second)
    if (number < found->parts) chunks.push_back({part.place, segment(part.place.segment)});
  return chunks;
}

SegmentPtr Recovery::segment(std::uint32_t number) const {
  const auto found = segments_.find(number);
  return found == segments_.end() ? nullptr : found->second.segment;
}

}  // namespace waypost::spool
