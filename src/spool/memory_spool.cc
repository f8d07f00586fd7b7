#include "spool/memory_spool.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"

namespace waypost::spool {

namespace {

constexpr std::uint64_t kPlentyOfSpace = std::uint64_t{1} << 40;

Error no_such_message(QueueId id) { return {Errc::not_found, fmt::format("no message {} in the spool", id.text())}; }

}  // namespace

class MemorySpool::MemoryIncoming final : public Incoming {
 public:
  MemoryIncoming(MemorySpool& spool, QueueId id) : spool_(spool), id_(id) {}

  void append(Chunk chunk, Done done) override {
    WAYPOST_ASSERT(!committed_);
    done(spool_.append(chunk, content_));
  }

  void commit(const mail::Envelope& envelope, Chunk last, Done done) override {
    WAYPOST_ASSERT(!committed_);
    committed_ = true;
    if (last) content_ += *last;
    Kept kept;
    kept.message.envelope = envelope;
    kept.message.envelope.id = id_;
    kept.message.size = content_.size();
    kept.content = std::make_shared<const std::string>(std::move(content_));
    spool_.commit(id_, std::move(kept), std::move(done));
  }

 private:
  MemorySpool& spool_;
  QueueId id_;
  std::string content_;
  bool committed_ = false;
};

class MemorySpool::MemoryReader final : public Reader {
 public:
  MemoryReader(MemorySpool& spool, Chunk content) : spool_(spool), content_(std::move(content)) {}

  std::uint64_t size() const override { return content_->size(); }

  Result<std::string> read(std::uint64_t offset, std::size_t limit) override {
    if (auto failure = spool_.take(spool_.read_failure_, "read")) return *failure;
    if (offset >= content_->size()) return std::string();
    return content_->substr(offset, limit);
  }

 private:
  MemorySpool& spool_;
  Chunk content_;
};

MemorySpool::MemorySpool() { space_.free_bytes = kPlentyOfSpace; }
MemorySpool::~MemorySpool() = default;

Result<ScanReport> MemorySpool::scan(const std::function<void(StoredMessage)>& each) {
  ScanReport report;
  std::vector<StoredMessage> found;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, kept] : messages_) found.push_back(kept.message);
  }
  for (StoredMessage& message : found) {
    ++report.messages;
    report.bytes += message.size;
    report.next_number = std::max(report.next_number, message.envelope.id.number() + 1);
    if (message.envelope.id.is_long()) report.newest_long = std::max(report.newest_long, message.envelope.id);
    each(std::move(message));
  }
  return report;
}

std::unique_ptr<Incoming> MemorySpool::begin(QueueId id) { return std::make_unique<MemoryIncoming>(*this, id); }

void MemorySpool::record(QueueId id, const mail::Progress& progress) {
  const std::lock_guard lock(mutex_);
  if (const auto found = messages_.find(id); found != messages_.end()) found->second.message.progress = progress;
}

void MemorySpool::remove(QueueId id) {
  const std::lock_guard lock(mutex_);
  if (messages_.erase(id) > 0) ++removals_;
}

Result<StoredMessage> MemorySpool::load(QueueId id) {
  if (auto failure = take(read_failure_, "load")) return *failure;
  const std::lock_guard lock(mutex_);
  const auto found = messages_.find(id);
  if (found == messages_.end()) return std::unexpected(no_such_message(id));
  return found->second.message;
}

Result<std::unique_ptr<Reader>> MemorySpool::open(QueueId id) {
  if (auto failure = take(read_failure_, "open")) return *failure;
  const std::lock_guard lock(mutex_);
  const auto found = messages_.find(id);
  if (found == messages_.end()) return std::unexpected(no_such_message(id));
  return std::make_unique<MemoryReader>(*this, found->second.content);
}

Space MemorySpool::space() const {
  const std::lock_guard lock(mutex_);
  return space_;
}

void MemorySpool::stop() {
  release_commits();
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

void MemorySpool::fail_commits(Errc code, int count) {
  const std::lock_guard lock(mutex_);
  commit_failure_ = {code, count};
}

void MemorySpool::fail_appends(Errc code, int count) {
  const std::lock_guard lock(mutex_);
  append_failure_ = {code, count};
}

void MemorySpool::fail_reads(Errc code, int count) {
  const std::lock_guard lock(mutex_);
  read_failure_ = {code, count};
}

void MemorySpool::set_space(Space space) {
  const std::lock_guard lock(mutex_);
  space_ = space;
}

void MemorySpool::hold_commits() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void MemorySpool::release_commits() {
  std::vector<Held> ready;
  {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    ready.swap(held_);
  }
  for (Held& held : ready) held.done(store(held.id, std::move(held.kept)));
}

std::size_t MemorySpool::size() const {
  const std::lock_guard lock(mutex_);
  return messages_.size();
}

bool MemorySpool::contains(QueueId id) const {
  const std::lock_guard lock(mutex_);
  return messages_.contains(id);
}

std::vector<QueueId> MemorySpool::ids() const {
  const std::lock_guard lock(mutex_);
  std::vector<QueueId> ids;
  ids.reserve(messages_.size());
  for (const auto& [id, kept] : messages_) ids.push_back(id);
  return ids;
}

std::string MemorySpool::content(QueueId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = messages_.find(id);
  return found == messages_.end() ? std::string() : *found->second.content;
}

mail::Progress MemorySpool::progress(QueueId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = messages_.find(id);
  return found == messages_.end() ? mail::Progress() : found->second.message.progress;
}

int MemorySpool::commits() const {
  const std::lock_guard lock(mutex_);
  return commits_;
}

int MemorySpool::removals() const {
  const std::lock_guard lock(mutex_);
  return removals_;
}

void MemorySpool::restart() {
  const std::lock_guard lock(mutex_);
  stopped_ = false;
}

Result<> MemorySpool::append(const Chunk& chunk, std::string& content) {
  if (auto failure = take(append_failure_, "append")) return *failure;
  if (chunk) content += *chunk;
  return {};
}

void MemorySpool::commit(QueueId id, Kept kept, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (holding_) {
      held_.push_back({id, std::move(kept), std::move(done)});
      return;
    }
  }
  done(store(id, std::move(kept)));
}

Result<> MemorySpool::store(QueueId id, Kept kept) {
  if (auto failure = take(commit_failure_, "commit")) return *failure;
  const std::lock_guard lock(mutex_);
  if (stopped_) return fail(Errc::closed, "the spool was stopped");
  const bool added = messages_.emplace(id, std::move(kept)).second;
  WAYPOST_ASSERT(added);  // an id is used once
  ++commits_;
  return {};
}

std::optional<std::unexpected<Error>> MemorySpool::take(Failure& failure, std::string_view what) {
  const std::lock_guard lock(mutex_);
  if (failure.count == 0) return std::nullopt;
  --failure.count;
  return fail(failure.code, fmt::format("{} failed, as the test demanded", what));
}

}  // namespace waypost::spool
