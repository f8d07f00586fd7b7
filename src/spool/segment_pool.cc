#include "spool/segment_pool.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "spool/crc32c.h"

namespace waypost::spool {

namespace {

// Small, so that the sync of somebody's commit never waits behind much of it.
constexpr std::size_t kFillSlice = 1 << 20;

}  // namespace

SegmentPool::SegmentPool(FileSystem& files, std::string directory, const SpoolSettings& settings,
                         std::function<SegmentStart()> floors, const Log& log)
    : files_(files),
      directory_(std::move(directory)),
      settings_(settings),
      floors_(std::move(floors)),
      log_(log),
      random_(std::random_device{}()) {}

SegmentPool::~SegmentPool() { stop(); }

void SegmentPool::start(std::uint32_t next_number, std::vector<SegmentPtr> ready) {
  const std::lock_guard lock(mutex_);
  next_number_ = next_number;
  ready_.assign(ready.begin(), ready.end());
  thread_ = std::thread([this] { run(); });
}

Result<> SegmentPool::await(std::unique_lock<std::mutex>& lock, std::size_t count) {
  if (ready_.size() >= count) return {};
  idle_ = false;
  ++waiting_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return ready_.size() >= count || failure_ || stopping_; });
  --waiting_;
  if (ready_.size() >= count) return {};
  if (failure_) return std::unexpected(*failure_);
  return fail(Errc::closed, "the spool was stopped");
}

Result<SegmentPtr> SegmentPool::take(SegmentUse use) {
  std::unique_lock lock(mutex_);
  if (auto there = await(lock, use == SegmentUse::reserve ? 1 : 2); !there) return std::unexpected(there.error());
  SegmentPtr segment = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  return segment;
}

Result<> SegmentPool::await_reserve() {
  std::unique_lock lock(mutex_);
  return await(lock, 1);
}

void SegmentPool::set_idle(bool idle) {
  const std::lock_guard lock(mutex_);
  if (idle_ == idle) return;
  idle_ = idle;
  changed_.notify_all();
}

bool SegmentPool::failing() const {
  const std::lock_guard lock(mutex_);
  return failure_.has_value() && ready_.size() < 2;
}

std::uint64_t SegmentPool::ready_bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const SegmentPtr& segment : ready_) bytes += segment->size;
  return bytes;
}

void SegmentPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SegmentPool::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    trim(lock);
    if (ready_.size() >= wanted()) {
      failure_.reset();
      changed_.wait(lock);
      continue;
    }
    if (failure_ && Clock::now() < retry_at_) {
      changed_.wait_until(lock, retry_at_);
      continue;
    }
    lock.unlock();
    auto made = make();
    lock.lock();
    if (made) {
      if (failure_) log_.info("spool: there is room for segments again");
      failure_.reset();
      ready_.push_back(std::move(*made));
      std::ranges::sort(ready_, {}, [](const SegmentPtr& segment) { return segment->number; });
    } else {
      if (!failure_ && !stopping_) log_.warning("spool: no new segment can be made: {}", made.error().text);
      failure_ = made.error();
      retry_at_ = Clock::now() + settings_.retry_time;
    }
    changed_.notify_all();
  }
}

void SegmentPool::trim(std::unique_lock<std::mutex>& lock) {
  while (idle_ && !stopping_ && ready_.size() > wanted()) {
    const SegmentPtr spare = std::move(ready_.back());
    ready_.pop_back();
    lock.unlock();
    if (auto removed = remove(*spare); !removed) log_.warning("spool: {}", removed.error().text);
    lock.lock();
  }
}

Result<SegmentPtr> SegmentPool::make() {
  const std::string temporary = path("new.tmp");
  auto created = files_.create(temporary);
  if (!created && created.error().code == Errc::exists) {
    if (auto removed = files_.unlink(temporary); !removed) return std::unexpected(removed.error());
    created = files_.create(temporary);
  }
  if (!created) return std::unexpected(created.error());
  const std::shared_ptr<File> file = std::move(*created);
  std::uint32_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = next_number_++;
  }
  auto made = fill(*file);
  Result<SegmentPtr> segment = made ? head(file, number) : Result<SegmentPtr>(std::unexpected(made.error()));
  if (segment) {
    made = files_.rename(temporary, path(segment_name(number)));
    if (made) made = files_.sync_directory(directory_);
    if (made) return segment;
    std::ignore = files_.unlink(path(segment_name(number)));  // empty: at start it would be taken for a spare one
  }
  std::ignore = files_.unlink(temporary);
  return std::unexpected(made ? segment.error() : made.error());
}

Result<> SegmentPool::fill(File& file) {
  // Blocks that were written once make each later sync several times cheaper: no extents to convert in the journal.
  if (auto allocated = file.allocate(settings_.segment_size_bytes); !allocated) return allocated;
  const std::string zeros(std::min<std::uint64_t>(kFillSlice, settings_.segment_size_bytes), '\0');
  for (std::uint64_t at = 0; at < settings_.segment_size_bytes; at += zeros.size()) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return fail(Errc::closed, "the spool was stopped");
    }
    const std::uint64_t size = std::min<std::uint64_t>(zeros.size(), settings_.segment_size_bytes - at);
    if (auto written = write_bytes(file, std::string_view(zeros).substr(0, size), at); !written) return written;
    if (auto synced = file.sync(); !synced) return synced;
  }
  return {};
}

Result<SegmentPtr> SegmentPool::head(std::shared_ptr<File> file, std::uint32_t number) {
  auto segment = std::make_shared<Segment>();
  segment->number = number;
  segment->size = settings_.segment_size_bytes;
  {
    const std::lock_guard lock(mutex_);
    segment->nonce = static_cast<std::uint32_t>(random_());
  }
  SegmentStart start = floors_();
  start.size_bytes = segment->size;
  const std::string meta = encode(start);
  RecordHeader header;
  header.type = RecordType::segment_start;
  header.segment = number;
  header.nonce = segment->nonce;
  header.sequence = start.sequence_floor;
  header.meta_size = static_cast<std::uint32_t>(meta.size());
  header.meta_sum = crc32c(meta);
  // The first block whole, over what a recycled segment began with.
  const HeaderBytes bytes = encode(header);
  std::string block(bytes.data(), bytes.size());
  block += meta;
  header.type = RecordType::padding;
  header.meta_size = header.meta_sum = 0;
  header.body_size = static_cast<std::uint32_t>(kBlockSize - block.size() - kRecordHeaderSize);
  const HeaderBytes padding = encode(header);
  block.append(padding.data(), padding.size());
  block.resize(kBlockSize, '\0');
  if (auto written = write_bytes(*file, block, 0); !written) return std::unexpected(written.error());
  if (auto synced = file->sync(); !synced) return std::unexpected(synced.error());
  segment->file = std::move(file);
  return segment;
}

Result<> SegmentPool::recycle(const Segment& segment, bool reusable) {
  bool room = false;
  std::uint32_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    room = !stopping_ && ready_.size() < wanted() + (idle_ ? 0 : settings_.spare_segments);
    if (room) number = next_number_++;
  }
  if (!room || !reusable || segment.size != settings_.segment_size_bytes) return remove(segment);
  if (auto renamed = files_.rename(path(segment_name(segment.number)), path(segment_name(number))); !renamed)
    return renamed;
  std::ignore = files_.unlink(path(sidecar_name(segment.number)));  // without its segment it is swept away at start
  if (auto synced = files_.sync_directory(directory_); !synced) return synced;
  auto headed = head(segment.file, number);
  if (!headed) {
    log_.warning("spool: a recycled segment is given up: {}", headed.error().text);
    std::ignore = files_.unlink(path(segment_name(number)));
    return {};  // the old name is durably gone, which is what was asked for
  }
  const std::lock_guard lock(mutex_);
  ready_.push_back(std::move(*headed));
  std::ranges::sort(ready_, {}, [](const SegmentPtr& ready) { return ready->number; });
  failure_.reset();
  changed_.notify_all();
  return {};
}

Result<> SegmentPool::remove(const Segment& segment) {
  if (auto removed = files_.unlink(path(segment_name(segment.number)));
      !removed && removed.error().code != Errc::not_found)
    return removed;
  std::ignore = files_.unlink(path(sidecar_name(segment.number)));
  auto synced = files_.sync_directory(directory_);
  const std::lock_guard lock(mutex_);
  retry_at_ = {};  // there is room now
  changed_.notify_all();
  return synced;
}

std::string SegmentPool::path(std::string_view name) const { return fmt::format("{}/{}", directory_, name); }

}  // namespace waypost::spool
