#include "spool/segment_spool.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "mail/envelope_codec.h"
#include "spool/log_writer.h"
#include "spool/reclaimer.h"
#include "spool/recovery.h"
#include "spool/segment_pool.h"
#include "spool/segment_reader.h"

namespace waypost::spool {

namespace {

// A volume holds at least so many segments; the floor of reclamation is this part of it.
constexpr std::uint64_t kLeastSegments = 32, kFloorShare = 4;

std::unexpected<Error> no_such_message(QueueId id) {
  return fail(Errc::not_found, fmt::format("no message {} in the spool", id.text()));
}

}  // namespace

SpoolSettings fit_to_volume(SpoolSettings settings, std::uint64_t volume_bytes) {
  std::uint64_t size = std::max(settings.segment_size_bytes, kMinSegmentSize);
  while (size > kMinSegmentSize && size > volume_bytes / kLeastSegments) size /= 2;
  size = std::min(size, kMaxSegmentSize);
  settings.segment_size_bytes = size / kBlockSize * kBlockSize;
  settings.reclaim_floor_bytes = std::min(settings.reclaim_floor_bytes, volume_bytes / kFloorShare);
  settings.reclaim_ratio = std::max<std::uint64_t>(settings.reclaim_ratio, 2);
  return settings;
}

namespace {

class Engine final : public SegmentSpool {
 public:
  Engine(std::string directory, const SpoolSettings& settings, FileSystem& files, std::unique_ptr<FileLock> lock,
         const Log& log)
      : directory_(std::move(directory)),
        files_(files),
        lock_(std::move(lock)),
        log_(log),
        pool_(
            files, directory_, settings, [this] { return floors(); }, log),
        writer_(
            catalogue_, pool_, last_sequence_, settings, [this] { reclaimer_.kick(); }, log),
        reclaimer_(files, directory_, settings, catalogue_, pool_, writer_, last_sequence_, log),
        segment_size_(settings.segment_size_bytes) {}
  ~Engine() override { stop(); }

  Result<ScanReport> scan(const std::function<void(StoredMessage)>& each) override;
  std::unique_ptr<Incoming> begin(QueueId id) override;
  void record(QueueId id, const mail::Progress& progress) override;
  void remove(QueueId id) override;
  Result<StoredMessage> load(QueueId id) override;
  Result<std::unique_ptr<Reader>> open(QueueId id) override;
  Space space() const override;
  void stop() override;
  Result<> flush() override { return writer_.flush(); }
  SpoolCounters counters() const override;

 private:
  class EngineIncoming;

  SegmentStart floors() const;
  std::vector<SegmentPtr> adopt(Recovery& recovery);
  void raise_number(QueueId id);

  const std::string directory_;
  FileSystem& files_;
  const std::unique_ptr<FileLock> lock_;
  const Log log_;
  Catalogue catalogue_;
  std::atomic<std::uint64_t> last_sequence_{0};
  std::atomic<std::uint64_t> last_number_{0};
  SegmentPool pool_;
  LogWriter writer_;
  Reclaimer reclaimer_;
  const std::uint64_t segment_size_;
  std::atomic<bool> running_{false};
};

// A message on its way in. What is larger than the threshold goes out in pieces, whoever hands it over.
class Engine::EngineIncoming final : public Incoming {
 public:
  EngineIncoming(Engine& engine, QueueId id) : engine_(engine), id_(id) {}

  void append(Chunk chunk, Done done) override {
    WAYPOST_ASSERT(!committed_);
    std::vector<Operation> operations;
    add_pieces(operations, chunk, *chunk);
    if (operations.empty()) return done({});
    operations.back().done = std::move(done);
    engine_.writer_.submit(std::move(operations));
  }

  void commit(const mail::Envelope& envelope, Chunk last, Done done) override {
    WAYPOST_ASSERT(!committed_);
    committed_ = true;
    engine_.raise_number(id_);
    if (!last) last = std::make_shared<const std::string>();
    std::vector<Operation> operations;
    std::string_view rest = *last;
    const std::size_t piece = piece_size();
    if (rest.size() > piece) {
      const std::size_t in_pieces = rest.size() - rest.size() % piece;
      add_pieces(operations, last, rest.substr(0, in_pieces));
      rest.remove_prefix(in_pieces);
    }
    Operation& commit = operations.emplace_back();
    commit.header.type = upload_ ? RecordType::commit : RecordType::message;
    commit.header.id = id_.bits();
    commit.header.part = parts_;
    commit.meta = mail::encode(envelope);
    commit.owner = std::move(last);
    commit.body = rest;
    commit.done = std::move(done);
    commit.upload = upload_;
    finish(commit);
    engine_.writer_.submit(std::move(operations));
  }

 private:
  // Several fit into a segment even when the volume is tiny.
  std::size_t piece_size() const { return std::min<std::uint64_t>(kStreamThreshold, engine_.segment_size_ / 4); }

  void add_pieces(std::vector<Operation>& operations, const Chunk& owner, std::string_view bytes) {
    while (!bytes.empty()) {
      if (!upload_) upload_ = std::make_shared<Upload>(engine_.catalogue_);
      Operation& operation = operations.emplace_back();
      operation.header.type = RecordType::chunk;
      operation.header.id = id_.bits();
      operation.header.part = parts_++;
      operation.owner = owner;
      operation.body = bytes.substr(0, piece_size());
      operation.upload = upload_;
      bytes.remove_prefix(operation.body.size());
      finish(operation);
    }
  }

  Engine& engine_;
  QueueId id_;
  std::shared_ptr<Upload> upload_;
  std::uint32_t parts_ = 0;
  bool committed_ = false;
};

Result<ScanReport> Engine::scan(const std::function<void(StoredMessage)>& each) {
  WAYPOST_ASSERT(!running_);
  Recovery recovery(files_, directory_, RecoveryMode::start);
  if (auto run = recovery.run(); !run) return std::unexpected(run.error());
  if (auto delivered = recovery.deliver(each); !delivered) return std::unexpected(delivered.error());
  last_sequence_ = recovery.last_sequence();
  last_number_ = recovery.report().next_number - 1;
  std::vector<SegmentPtr> ready = adopt(recovery);
  recovery.fill(catalogue_);
  pool_.start(recovery.last_segment() + 1, std::move(ready));
  writer_.start();
  reclaimer_.start();
  reclaimer_.kick();
  running_ = true;
  return recovery.report();
}

// Takes over what is on the disk; returns the segments that can be written at once. None is ever written again that
// held records: a torn write in it can so never be mistaken for a newer one.
std::vector<SegmentPtr> Engine::adopt(Recovery& recovery) {
  std::vector<SegmentPtr> ready;
  std::uint32_t last_used = 0;
  for (const auto& [number, segment] : recovery.segments())
    if (!segment.empty) last_used = number;
  for (const auto& [number, segment] : recovery.segments()) {
    const bool usable = number > last_used && segment.empty && segment.has_header;
    if (usable && segment.segment->size == segment_size_) {
      ready.push_back(segment.segment);
      continue;
    }
    catalogue_.add_segment(segment.segment);
    catalogue_.seal(number);
    if (segment.has_sidecar) catalogue_.mark_indexed(number);
    if (segment.holds_stale_copies) catalogue_.mark_emptying(number);
    // What was read may so far be in the page cache only.
    if (segment.has_sidecar || segment.empty) continue;
    if (auto synced = segment.segment->file->sync(); !synced) {
      log_.error("spool: {}; the segment is emptied", synced.error().text);
      catalogue_.mark_failed(number);
    }
  }
  for (const auto& [number, segment] : recovery.segments())
    if (catalogue_.exists(number)) catalogue_.add_targets(number, segment.targets);
  for (const AbortMark& mark : recovery.aborts()) {
    const auto number = static_cast<std::uint32_t>(mark.segment);
    if (catalogue_.exists(number)) catalogue_.mark_failed(number);
  }
  return ready;
}

std::unique_ptr<Incoming> Engine::begin(QueueId id) { return std::make_unique<EngineIncoming>(*this, id); }

void Engine::record(QueueId id, const mail::Progress& progress) {
  bool queued = false;
  if (!catalogue_.note_progress(id, std::make_shared<const std::string>(mail::encode(progress)), queued)) return;
  if (!queued) writer_.progress(id);
}

void Engine::remove(QueueId id) {
  catalogue_.erase(id, [&](std::vector<std::uint32_t> targets) { writer_.remove(id, std::move(targets)); });
}

Result<StoredMessage> Engine::load(QueueId id) {
  const auto located = catalogue_.find(id);
  if (!located) return no_such_message(id);
  return load_message(id, *located);
}

Result<std::unique_ptr<Reader>> Engine::open(QueueId id) {
  const auto located = catalogue_.find(id);
  if (!located) return no_such_message(id);
  return open_message(*located);
}

Space Engine::space() const {
  Space space;
  if (const auto volume = files_.space(directory_)) space.free_bytes = volume->free_bytes;
  space.accepting = writer_.healthy() && !pool_.failing();
  return space;
}

void Engine::stop() {
  if (!running_.exchange(false)) return;
  reclaimer_.stop();
  writer_.stop();
  reclaimer_.write_sidecars();
  pool_.stop();
}

SpoolCounters Engine::counters() const {
  const LogTotals totals = catalogue_.totals();
  SpoolCounters counters;
  counters.messages = totals.messages;
  counters.live_bytes = totals.live_bytes;
  counters.log_bytes = totals.log_bytes;
  counters.ready_bytes = pool_.ready_bytes();
  counters.commits = writer_.commits();
  counters.syncs = writer_.syncs();
  counters.copied_bytes = reclaimer_.copied_bytes();
  counters.reclaimed_segments = reclaimer_.reclaimed_segments();
  return counters;
}

SegmentStart Engine::floors() const {
  SegmentStart start;
  start.sequence_floor = last_sequence_.load();
  start.number_floor = last_number_.load() + 1;
  return start;
}

void Engine::raise_number(QueueId id) {
  std::uint64_t known = last_number_.load(std::memory_order_relaxed);
  while (known < id.number() && !last_number_.compare_exchange_weak(known, id.number())) continue;
}

}  // namespace

Result<std::unique_ptr<SegmentSpool>> open_spool(const std::string& directory, const SpoolSettings& settings,
                                                 FileSystem& files, const Log& log) {
  if (auto made = files.make_directory(directory); !made) return std::unexpected(made.error());
  auto lock = files.lock(directory + "/lock");
  if (!lock) return std::unexpected(lock.error());
  const auto volume = files.space(directory);
  if (!volume) return std::unexpected(volume.error());
  return std::make_unique<Engine>(directory, fit_to_volume(settings, volume->total_bytes), files, std::move(*lock),
                                  log);
}

}  // namespace waypost::spool
