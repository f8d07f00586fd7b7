#include "spool/reclaimer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "spool/crc32c.h"

namespace waypost::spool {

namespace {

constexpr std::chrono::milliseconds kTurn{500};
constexpr std::uint64_t kCopyBatch = std::uint64_t{2} << 20;
constexpr int kMaxSegmentsATurn = 64;

}  // namespace

Reclaimer::Reclaimer(FileSystem& files, std::string directory, const SpoolSettings& settings, Catalogue& catalogue,
                     SegmentPool& pool, LogWriter& writer, std::atomic<std::uint64_t>& last_sequence, const Log& log)
    : files_(files),
      directory_(std::move(directory)),
      settings_(settings),
      catalogue_(catalogue),
      pool_(pool),
      writer_(writer),
      log_(log),
      cold_(catalogue, last_sequence, settings.segment_size_bytes),
      last_write_(Clock::now()) {}

Reclaimer::~Reclaimer() { stop(); }

void Reclaimer::start() {
  thread_ = std::thread([this] { run(); });
}

void Reclaimer::kick() {
  {
    const std::lock_guard lock(mutex_);
    kicked_ = true;
  }
  wake_.notify_one();
}

void Reclaimer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (!thread_.joinable()) return;
  thread_.join();
  if (auto sealed = cold_.seal(); !sealed) {
    log_.error("spool: {}", sealed.error().text);
    writer_.abort(cold_.abandon());
  }
}

bool Reclaimer::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Reclaimer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kTurn, [&] { return kicked_ || stopping_; });
    kicked_ = false;
    if (stopping_) return;
    lock.unlock();
    turn();
    lock.lock();
  }
}

void Reclaimer::turn() {
  watch_idle();
  if (Clock::now() < not_before_) return;
  for (int i = 0; i < kMaxSegmentsATurn && !stopping() && reclaim_one(); ++i) continue;
  write_due_sidecars();
}

// When nothing was written for a while the spare segments are given back; a cold segment that nobody needs is ended.
void Reclaimer::watch_idle() {
  const auto now = Clock::now();
  if (const std::uint64_t written = writer_.written(); written != seen_writes_) {
    seen_writes_ = written;
    last_write_ = now;
  }
  const bool idle = now - last_write_ >= settings_.idle_time;
  pool_.set_idle(idle && writer_.active() != 0);
  if (!idle || !cold_.is_open() || catalogue_.needs_copying(cold_.number())) return;
  if (auto sealed = cold_.seal(); !sealed) writer_.abort(cold_.abandon());
}

void Reclaimer::write_due_sidecars() {
  const auto now = Clock::now();
  const std::vector<SegmentPtr> segments = catalogue_.unindexed();
  std::map<std::uint32_t, Clock::time_point> since;
  for (const SegmentPtr& segment : segments) {
    const auto known = unindexed_since_.find(segment->number);
    const auto first = known == unindexed_since_.end() ? now : known->second;
    if (now - first >= settings_.sidecar_delay && !stopping())
      write_sidecar_of(*segment);
    else
      since.emplace(segment->number, first);
  }
  unindexed_since_ = std::move(since);
}

void Reclaimer::write_sidecars() {
  for (const SegmentPtr& segment : catalogue_.unindexed()) write_sidecar_of(*segment);
}

void Reclaimer::write_sidecar_of(const Segment& segment) {
  auto summary = skim(*segment.file, segment.number);
  if (!summary) summary = summarise(*segment.file, segment.number);
  catalogue_.mark_indexed(segment.number);  // also after a failure: it is only a shortcut
  if (!summary) return log_.warning("spool: no index for a segment: {}", summary.error().text);
  const auto is_live = [&](const SummaryRecord& record) {
    return catalogue_.contains(QueueId::from_bits(record.header.id));
  };
  if (auto written = write_sidecar(files_, directory_, *summary, is_live); !written)
    log_.warning("spool: no index for a segment: {}", written.error().text);
}

// False: there is nothing to do, or it failed.
bool Reclaimer::reclaim_one() {
  const auto victim = catalogue_.victim(settings_.reclaim_floor_bytes, settings_.reclaim_ratio, pool_.failing());
  if (!victim) return false;
  const auto give_up = [&](const Error& error) {
    log_.warning("spool: segment {} stays: {}", segment_name(victim->segment->number), error.text);
    not_before_ = Clock::now() + settings_.retry_time;
    pending_.clear();
    origins_.clear();
    pending_bytes_ = 0;
    return false;
  };
  if (victim->reason != VictimReason::dead) {
    catalogue_.mark_emptying(victim->segment->number);
    if (auto emptied = empty(*victim->segment); !emptied) return give_up(emptied.error());
  }
  if (auto flushed = writer_.flush(); !flushed) return give_up(flushed.error());
  if (victim->reason != VictimReason::dead) catalogue_.clear_targets(victim->segment->number);
  return give_back(*victim);
}

bool Reclaimer::give_back(const Victim& victim) {
  bool read = false;
  if (!catalogue_.can_drop(victim.segment->number, read)) return false;
  const bool reusable = !read && victim.reason != VictimReason::failed;
  if (auto given = pool_.recycle(*victim.segment, reusable); !given) {
    log_.warning("spool: {}", given.error().text);
    catalogue_.mark_emptying(victim.segment->number);
    not_before_ = Clock::now() + settings_.retry_time;
    return false;
  }
  catalogue_.drop(victim.segment->number);
  reclaimed_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

Result<> Reclaimer::empty(const Segment& segment) {
  auto summary = read_sidecar(files_, directory_, segment.number);
  if (!summary) summary = skim(*segment.file, segment.number);
  if (!summary) summary = summarise(*segment.file, segment.number);
  if (!summary) return std::unexpected(summary.error());
  for (const SummaryRecord& record : summary->records)
    if (auto visited = visit(segment, record); !visited) return visited;
  return write_pending();
}

Result<> Reclaimer::visit(const Segment& segment, const SummaryRecord& record) {
  const Place place{segment.number, static_cast<std::uint32_t>(record.offset),
                    static_cast<std::uint32_t>(record.header.record_size())};
  switch (record.header.type) {
    case RecordType::message:
    case RecordType::commit:
      return copy_message(segment, record, place);
    case RecordType::chunk:
      return copy_chunk(segment, record, place);
    case RecordType::progress:
      return copy_progress(segment, record, place);
    case RecordType::removal:
    case RecordType::abort:
      return copy_abort_or_removal(segment, record);
    default:
      return {};
  }
}

Result<> Reclaimer::copy_message(const Segment& segment, const SummaryRecord& record, Place place) {
  const QueueId id = QueueId::from_bits(record.header.id);
  const auto located = catalogue_.find(id);
  if (!located || located->message.place != place) return {};
  auto operation = read_record(segment, place);
  if (!operation) return damaged(segment, place, operation.error()), Result<>();
  Place merged;
  if (located->progress) {
    const auto progress = read_record(*located->progress->segment, located->progress->place);
    if (!progress) return damaged(*located->progress->segment, located->progress->place, progress.error()), Result<>();
    const std::string part = encode_progress_part(progress->header.sequence, progress->meta);
    operation->meta.resize(operation->header.meta_size);
    operation->meta += part;
    operation->header.progress_size = static_cast<std::uint32_t>(part.size());
    merged = located->progress->place;
  }
  return add(std::move(*operation), place, merged);
}

Result<> Reclaimer::copy_chunk(const Segment& segment, const SummaryRecord& record, Place place) {
  const auto located = catalogue_.find(QueueId::from_bits(record.header.id));
  if (!located || record.header.part >= located->chunks.size()) return {};
  if (located->chunks[record.header.part].place != place) return {};
  auto operation = read_record(segment, place);
  if (!operation) return damaged(segment, place, operation.error()), Result<>();
  return add(std::move(*operation), place, {});
}

// Goes to the writer's chain, as a new state does.
Result<> Reclaimer::copy_progress(const Segment& segment, const SummaryRecord& record, Place place) {
  const QueueId id = QueueId::from_bits(record.header.id);
  const auto located = catalogue_.find(id);
  if (!located || !located->progress || located->progress->place != place) return {};
  auto operation = read_record(segment, place);
  if (!operation) return damaged(segment, place, operation.error()), Result<>();
  if (catalogue_.rewrite_progress(id, place, std::make_shared<const std::string>(std::move(operation->meta))))
    writer_.progress(id);
  return {};
}

// They are needed as long as what they name is there.
Result<> Reclaimer::copy_abort_or_removal(const Segment& segment, const SummaryRecord& record) {
  if (record.header.type == RecordType::abort) {
    const auto mark = decode_abort(record.meta);
    if (mark && mark->segment != segment.number && catalogue_.exists(static_cast<std::uint32_t>(mark->segment)))
      writer_.abort(*mark);
    return {};
  }
  auto targets = decode_removal(record.meta);
  if (!targets) return {};
  std::erase_if(*targets, [&](std::uint32_t target) { return target == segment.number || !catalogue_.exists(target); });
  if (!targets->empty()) writer_.remove(QueueId::from_bits(record.header.id), std::move(*targets));
  return {};
}

Result<Operation> Reclaimer::read_record(const Segment& segment, Place place) {
  const auto bytes = read_exactly(*segment.file, place.offset, place.size);
  if (!bytes) return std::unexpected(bytes.error());
  const auto header = decode_header(*bytes);
  const auto corrupt = [&] {
    return fail(Errc::corrupt, fmt::format("{} is damaged at {}", segment_name(segment.number), place.offset));
  };
  if (!header || header->segment != segment.number || header->record_size() != place.size) return corrupt();
  Operation operation;
  operation.header = *header;
  operation.header.flags |= kSurvivorFlag;
  const std::size_t meta_size = std::size_t{header->meta_size} + header->progress_size;
  operation.meta = bytes->substr(kRecordHeaderSize, meta_size);
  if (crc32c(operation.meta) != header->meta_sum) return corrupt();
  operation.owner = std::make_shared<const std::string>(bytes->substr(kRecordHeaderSize + meta_size));
  operation.body = *operation.owner;
  if (crc32c(operation.body) != header->body_sum) return corrupt();
  return operation;
}

Result<> Reclaimer::add(Operation operation, Place from, Place merged) {
  finish(operation);
  pending_bytes_ += operation.header.record_size();
  pending_.push_back(std::move(operation));
  origins_.push_back({from, merged});
  return pending_bytes_ >= kCopyBatch ? write_pending() : Result<>();
}

Result<> Reclaimer::write_pending() {
  std::span<Operation> rest = pending_;
  std::span<const Origin> origins = origins_;
  while (!rest.empty()) {
    const std::size_t count = cold_.fit(rest);
    if (count == 0) {
      if (cold_.too_large(rest.front())) return fail(Errc::invalid, "a record is larger than a segment");
      if (auto opened = open_cold(); !opened) return opened;
      continue;
    }
    if (auto written = write_cold(rest.first(count)); !written) return written;
    for (std::size_t i = 0; i < count; ++i) {
      const Operation& copy = rest[i];
      const bool is_chunk = copy.header.type == RecordType::chunk;
      const bool moved = is_chunk ? catalogue_.relocate_chunk(copy.id(), copy.header.part, origins[i].from, copy.place)
                                  : catalogue_.relocate(copy.id(), origins[i].from, copy.place, origins[i].merged);
      copied_bytes_.fetch_add(copy.header.record_size(), std::memory_order_relaxed);
      // Removed meanwhile: the copy needs a removal record that names its segment.
      if (!moved) writer_.remove(copy.id(), {copy.place.segment});
    }
    rest = rest.subspan(count);
    origins = origins.subspan(count);
  }
  pending_.clear();
  origins_.clear();
  pending_bytes_ = 0;
  return {};
}

Result<> Reclaimer::write_cold(std::span<Operation> operations) {
  auto written = cold_.write(operations, true);
  if (!written) writer_.abort(cold_.abandon());
  return written;
}

Result<> Reclaimer::open_cold() {
  auto taken = pool_.take(SegmentUse::reserve);
  if (!taken) return std::unexpected(taken.error());
  auto sealed = cold_.seal();
  if (!sealed) writer_.abort(cold_.abandon());
  cold_.adopt(std::move(*taken));
  return {};
}

// It cannot be copied and is not given up: its segment stays, for `waypost spool salvage`.
void Reclaimer::damaged(const Segment& segment, Place place, const Error& error) {
  log_.error("spool: {}: the record at {} cannot be read ({}); the segment is kept", segment_name(segment.number),
             place.offset, error.text);
  catalogue_.mark_damaged(segment.number);
}

}  // namespace waypost::spool
