#include "spool/log_writer.h"

#include <algorithm>
#include <future>
#include <tuple>
#include <utility>

namespace waypost::spool {

namespace {

constexpr int kAbortAttempts = 2;  // segments tried in a row to record that one failed

Error closed() { return {Errc::closed, "the spool was stopped"}; }

// What the session is told: a full disk passes, everything else is a failure of the disk.
Error for_session(const Error& error) {
  const bool keeps_its_code = error.code == Errc::no_space || error.code == Errc::closed || error.code == Errc::invalid;
  return {keeps_its_code ? error.code : Errc::io, error.text};
}

}  // namespace

LogWriter::LogWriter(Catalogue& catalogue, SegmentPool& pool, std::atomic<std::uint64_t>& last_sequence,
                     const SpoolSettings& settings, std::function<void()> segment_ended, const Log& log)
    : catalogue_(catalogue),
      pool_(pool),
      chain_(catalogue, last_sequence, settings.segment_size_bytes),
      settings_(settings),
      segment_ended_(std::move(segment_ended)),
      log_(log) {}

LogWriter::~LogWriter() { stop(); }

void LogWriter::start() {
  completions_.start();
  thread_ = std::thread([this] { run(); });
}

void LogWriter::submit(std::vector<Operation> operations) {
  bool wake = false;
  bool refused = false;
  {
    const std::lock_guard lock(mutex_);
    refused = stopping_;
    const std::size_t before = urgent_.size();
    if (!refused) std::ranges::move(operations, std::back_inserter(urgent_));
    // The first one wakes the writer, or, while it gathers, the one that makes the batch worth its sync.
    wake = before < wake_at_ && urgent_.size() >= wake_at_ && barriers_.empty();
  }
  if (refused) {
    for (Operation& operation : operations)
      if (operation.done) operation.done(std::unexpected(closed()));
    return;
  }
  if (wake) work_.notify_one();
}

void LogWriter::add_lazy(Lazy lazy) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = lazy_.empty();
    if (first) lazy_due_ = Clock::now() + kLazyFlush;
    lazy_.push_back(std::move(lazy));
  }
  if (first) work_.notify_one();
}

void LogWriter::progress(QueueId id) { add_lazy({RecordType::progress, id, {}, {}}); }
void LogWriter::remove(QueueId id, std::vector<std::uint32_t> targets) {
  add_lazy({RecordType::removal, id, std::move(targets), {}});
}
void LogWriter::abort(AbortMark mark) { add_lazy({RecordType::abort, {}, {}, mark}); }

Result<> LogWriter::flush() {
  std::promise<Result<>> answer;
  auto future = answer.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return std::unexpected(closed());
    barriers_.push_back([&](Result<> result) { answer.set_value(std::move(result)); });
  }
  work_.notify_one();
  return future.get();
}

void LogWriter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
  completions_.stop();
}

void LogWriter::run() {
  while (true) {
    Batch batch = take();
    std::span<Operation> rest = batch.operations;
    while (!rest.empty()) write_some(rest, batch.sync);
    if (batch.sync && chain_.dirty_bytes() > 0) write_some(rest, true);
    answer_barriers(batch.barriers);
    if (batch.stop) break;
  }
  if (auto sealed = chain_.seal(); !sealed) {
    log_.error("spool: {}", sealed.error().text);
    std::ignore = chain_.abandon();  // the next start reads what is whole in it
  }
}

LogWriter::Batch LogWriter::take() {
  Batch batch;
  std::unique_lock lock(mutex_);
  wait_for_work(lock, batch);
  gather(lock);
  batch.barriers.swap(barriers_);
  batch.sync |= !batch.barriers.empty();
  std::vector<Operation> urgent;
  std::uint64_t bytes = 0;
  const auto over = [&](const Operation& operation) {
    bytes += operation.header.record_size();
    return bytes > settings_.batch_bytes;
  };
  auto end = std::ranges::find_if(urgent_, over);
  if (end == urgent_.begin() && end != urgent_.end()) ++end;  // larger than a batch by itself
  if (end == urgent_.end()) {
    urgent.swap(urgent_);
  } else {
    urgent.assign(std::move_iterator(urgent_.begin()), std::move_iterator(end));
    urgent_.erase(urgent_.begin(), end);
  }
  std::vector<Lazy> lazy = std::exchange(lazy_, {});
  lazy_failed_ = false;
  lock.unlock();
  for (Lazy& one : lazy) {
    if (one.type == RecordType::removal) batch.operations.push_back(make_removal(one.id, std::move(one.targets)));
    if (one.type == RecordType::abort) batch.operations.push_back(make_abort(one.mark));
    if (one.type != RecordType::progress) continue;
    if (auto state = catalogue_.pending_progress(one.id)) batch.operations.push_back(make_progress(one.id, state));
  }
  if (batch.operations.empty())
    batch.operations = std::move(urgent);
  else
    std::ranges::move(urgent, std::back_inserter(batch.operations));
  return batch;
}

// Returns when there is something to write or sync, or nothing more will come.
void LogWriter::wait_for_work(std::unique_lock<std::mutex>& lock, Batch& batch) {
  while (urgent_.empty() && barriers_.empty()) {
    if (stopping_ && (lazy_.empty() || lazy_failed_)) {
      batch.stop = true;
      return;
    }
    const auto now = Clock::now();
    const bool dirty = chain_.dirty_bytes() > 0;
    if (!lazy_.empty() && (stopping_ || now >= lazy_due_)) return;
    if (dirty && now >= dirty_since_ + settings_.dirty_time) {
      batch.sync = true;
      return;
    }
    if (lazy_.empty() && !dirty) {
      work_.wait(lock);
      continue;
    }
    auto until = dirty ? dirty_since_ + settings_.dirty_time : lazy_due_;
    if (!lazy_.empty()) until = std::min(until, lazy_due_);
    work_.wait_until(lock, until);
  }
}

// When many commit at the same time, the first of them to come waits a moment for some of the others: a sync costs the
// same for one as for all. How many are worth waiting for is learnt from how many came together lately, so that one
// session alone, or a few, never wait.
void LogWriter::gather(std::unique_lock<std::mutex>& lock) {
  wake_at_ = urgent_.empty() ? 1 : static_cast<std::size_t>(crowd_ / 2);
  if (urgent_.size() < wake_at_ && barriers_.empty() && !stopping_) {
    const auto until = Clock::now() + settings_.gather_time;
    work_.wait_until(lock, until, [this] { return urgent_.size() >= wake_at_ || !barriers_.empty() || stopping_; });
  }
  wake_at_ = 1;
  constexpr double kForget = 0.98;  // a crowd that went away is forgotten within some 50 batches
  if (!urgent_.empty()) crowd_ = std::max(static_cast<double>(urgent_.size()), crowd_ * kForget);
}

// As many from the front as may go into the segment in use with one write.
std::size_t LogWriter::next_portion(std::span<const Operation> rest) const {
  const std::size_t fitting = chain_.fit(rest);
  std::size_t count = 0;
  while (count < fitting) {
    const Operation& operation = rest[count];
    if (operation.upload && operation.upload->failed()) break;
    if (on_reserve_ && !operation.is_lazy()) break;
    ++count;
  }
  return count;
}

void LogWriter::write_some(std::span<Operation>& rest, bool sync) {
  const std::size_t count = next_portion(rest);
  if (count == 0 && !rest.empty()) {
    Operation& next = rest.front();
    const bool broken = next.upload && next.upload->failed();
    const auto room = broken ? fail(Errc::io, "an earlier part of the message was lost") : make_room(next);
    if (room) return;
    refuse(next, room.error());
    rest = rest.subspan(1);
    return;
  }
  const std::span<Operation> portion = rest.first(count);
  rest = rest.subspan(count);
  sync |= std::ranges::any_of(portion, &Operation::wants_sync) || chain_.dirty_bytes() > settings_.dirty_bytes;
  if (auto written = chain_.write(portion, sync); written)
    finished(portion, sync);
  else
    failed(portion, written.error());
}

// So that `next` fits, or the reason why it does not.
Result<> LogWriter::make_room(const Operation& next) {
  if (chain_.too_large(next)) return fail(Errc::invalid, "the record is larger than a segment of the spool");
  if (on_reserve_ && !next.is_lazy()) {
    auto reserve = pool_.await_reserve();
    if (reserve) on_reserve_ = false;
    return reserve;
  }
  return change_segment(next.is_lazy() ? SegmentUse::reserve : SegmentUse::messages);
}

Result<> LogWriter::change_segment(SegmentUse use) {
  auto taken = pool_.take(use);
  if (!taken) return std::unexpected(taken.error());
  on_reserve_ = use == SegmentUse::reserve;
  const auto sealed = chain_.seal();
  if (sealed) {
    syncs_.fetch_add(1, std::memory_order_relaxed);
  } else {
    log_.error("spool: {}; its segment is closed", sealed.error().text);
    requeue(unsynced_);
    abort(chain_.abandon());
  }
  unsynced_.clear();
  active_.store((*taken)->number, std::memory_order_relaxed);
  chain_.adopt(std::move(*taken));
  if (!sealed) record_aborts();
  segment_ended_();
  return {};
}

void LogWriter::finished(std::span<Operation> operations, bool synced) {
  written_.fetch_add(operations.size(), std::memory_order_relaxed);
  std::vector<Done> done;
  for (Operation& operation : operations) {
    apply(operation);
    if (operation.done) done.push_back(std::move(operation.done));
  }
  if (synced) {
    unsynced_.clear();
    syncs_.fetch_add(1, std::memory_order_relaxed);
    healthy_.store(true, std::memory_order_relaxed);
  } else {
    if (unsynced_.empty()) dirty_since_ = Clock::now();
    for (Operation& operation : operations) {
      operation.body = {};
      operation.owner.reset();
      unsynced_.push_back(std::move(operation));
    }
  }
  completions_.complete(std::move(done), std::nullopt, others_wait());
}

void LogWriter::apply(Operation& operation) {
  switch (operation.header.type) {
    case RecordType::message:
    case RecordType::commit:
      commits_.fetch_add(1, std::memory_order_relaxed);
      catalogue_.insert(operation.id(), operation.place,
                        operation.upload ? operation.upload->chunks() : std::vector<Place>());
      if (operation.upload) operation.upload->release();
      return;
    case RecordType::chunk:
      operation.upload->add(operation.place);
      return;
    case RecordType::progress:
      if (catalogue_.progress_written(operation.id(), operation.place, operation.state)) progress(operation.id());
      return;
    default:
      catalogue_.add_targets(operation.place.segment, operation.targets);
      return;
  }
}

void LogWriter::failed(std::span<Operation> operations, const Error& error) {
  healthy_.store(false, std::memory_order_relaxed);
  log_.error("spool: {}; its segment is closed, those who wait are refused", error.text);
  requeue(unsynced_);
  unsynced_.clear();
  requeue(operations);
  abort(chain_.abandon());
  active_.store(0, std::memory_order_relaxed);
  record_aborts();
  std::vector<Done> done;
  for (Operation& operation : operations)
    if (operation.done) done.push_back(std::move(operation.done));
  completions_.complete(std::move(done), for_session(error), others_wait());
}

// What is lazy is written again with the next batch; a streamed message that lost a part is lost.
void LogWriter::requeue(std::span<Operation> operations) {
  for (Operation& operation : operations) {
    if (operation.upload) operation.upload->fail();
    if (operation.header.type == RecordType::removal) remove(operation.id(), std::move(operation.targets));
    if (operation.header.type == RecordType::abort) abort(*decode_abort(operation.meta));
    if (operation.header.type != RecordType::progress) continue;
    if (catalogue_.restore_progress(operation.id(), operation.state) ||
        catalogue_.pending_progress(operation.id()) == operation.state)
      progress(operation.id());
  }
}

// Before anybody is told that a commit failed: what the failed segment may hold must not count after a crash. When not
// even this can be written, the mark stays queued; a crash before it succeeds may bring back a refused message.
void LogWriter::record_aborts() {
  std::vector<Operation> aborts;
  {
    const std::lock_guard lock(mutex_);
    const auto is_other = [](const Lazy& lazy) { return lazy.type != RecordType::abort; };
    const auto first = std::ranges::partition(lazy_, is_other).begin();
    for (auto at = first; at != lazy_.end(); ++at) aborts.push_back(make_abort(at->mark));
    lazy_.erase(first, lazy_.end());
  }
  for (int attempt = 0; attempt < kAbortAttempts; ++attempt) {
    if (!chain_.is_open()) {
      auto taken = pool_.take(SegmentUse::reserve);
      if (!taken) break;
      active_.store((*taken)->number, std::memory_order_relaxed);
      chain_.adopt(std::move(*taken));
      on_reserve_ = true;
    }
    if (chain_.write(aborts, true)) return finished(aborts, true);
    aborts.push_back(make_abort(chain_.abandon()));
  }
  for (Operation& operation : aborts) refuse(operation, {Errc::io, {}});
}

void LogWriter::refuse(Operation& operation, const Error& error) {
  if (operation.upload) operation.upload->fail();
  if (operation.is_lazy()) {
    requeue({&operation, 1});
    const std::lock_guard lock(mutex_);
    lazy_failed_ = true;
    lazy_due_ = Clock::now() + settings_.retry_time;
  }
  if (!operation.done) return;
  std::vector<Done> done;
  done.push_back(std::move(operation.done));
  completions_.complete(std::move(done), for_session(error), false);
}

void LogWriter::answer_barriers(std::vector<Done>& barriers) {
  std::optional<Error> error;
  {
    const std::lock_guard lock(mutex_);
    if (lazy_failed_) error = Error{Errc::unavailable, "the spool could not write"};
  }
  if (chain_.dirty_bytes() > 0) error = Error{Errc::io, "the spool could not sync"};
  completions_.complete(std::move(barriers), error, false);
}

bool LogWriter::others_wait() {
  const std::lock_guard lock(mutex_);
  return !urgent_.empty();
}

}  // namespace waypost::spool
