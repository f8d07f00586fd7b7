#include "tables/followed_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <system_error>
#include <utility>

namespace waypost::tables {
namespace {

std::int64_t total_bytes(const std::vector<FileStamp>& stamps) {
  std::int64_t total = 0;
  for (const auto& stamp : stamps) total += stamp.size;
  return total;
}

std::int64_t to_ns(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

}  // namespace

FileStamp stamp_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {true, status.st_dev, status.st_ino, status.st_size, to_ns(status.st_mtim), to_ns(status.st_ctim)};
}

FollowedFiles::FollowedFiles(FollowedFilesSpec spec, Log log, const Clock& clock)
    : spec_(std::move(spec)), log_(std::move(log)), clock_(clock) {
  next_check_ns_ = (clock_.mono() + kCheckInterval).time_since_epoch().count();
  read(stamps());
}

std::vector<FileStamp> FollowedFiles::stamps() const {
  std::vector<FileStamp> found;
  found.reserve(spec_.files.size());
  for (const auto& file : spec_.files) found.push_back(stamp_of(file));
  return found;
}

// A time in the future is no sign of a writer at work: such a file would never come to rest.
bool FollowedFiles::at_rest(const std::vector<FileStamp>& now) const {
  const std::int64_t wall_ns = std::chrono::nanoseconds(clock_.wall().time_since_epoch()).count();
  for (const auto& stamp : now) {
    const bool is_hot =
        stamp.modified_ns > wall_ns - std::chrono::nanoseconds(kRestTime).count() && stamp.modified_ns <= wall_ns;
    if (stamp.exists && is_hot) return false;
  }
  return true;
}

std::string FollowedFiles::problem() const {
  const std::scoped_lock lock(mutex_);
  return content_ ? std::string() : problem_;
}

std::shared_ptr<const FollowedContent> FollowedFiles::current() const {
  const std::int64_t now_ns = clock_.mono().time_since_epoch().count();
  std::int64_t due_ns = next_check_ns_.load(std::memory_order_relaxed);
  if (now_ns >= due_ns) {
    const std::int64_t next_ns = now_ns + std::chrono::nanoseconds(kCheckInterval).count();
    if (next_check_ns_.compare_exchange_strong(due_ns, next_ns)) check();
  }
  const std::scoped_lock lock(mutex_);
  return content_;
}

void FollowedFiles::check() const {
  if (is_reading_.exchange(true)) return;
  auto now = stamps();
  const bool is_new = now != loaded_stamps_ && now != failed_stamps_;
  if (is_new && at_rest(now)) {
    if (total_bytes(now) > kMaxInlineBytes) return read_aside(std::move(now));
    read(std::move(now));
  }
  is_reading_ = false;
}

void FollowedFiles::read_aside(std::vector<FileStamp> before) const {
  try {
    // The thread before has left is_reading_ behind it: joining it takes no time.
    reader_ = std::jthread([this, before] {
      read(before);
      is_reading_ = false;
    });
  } catch (const std::system_error&) {  // no more threads
    read(std::move(before));
    is_reading_ = false;
  }
}

void FollowedFiles::read(std::vector<FileStamp> before) const {
  auto loaded = spec_.load();
  if (!loaded) {
    // The content stays wrong until the file changes. A lock, a right or a lack of descriptors may go any time.
    const Errc code = loaded.error().code;
    if (code == Errc::invalid || code == Errc::corrupt || code == Errc::unsupported) failed_stamps_ = std::move(before);
    return keep_old(loaded.error().text);
  }
  // Changed meanwhile: what was read may be half of each. The next check tries again.
  if (stamps() != before) return keep_old("file changed while it was read");
  report(*loaded);
  loaded_stamps_ = std::move(before);
  failed_stamps_.clear();
  std::unique_lock lock(mutex_);
  const bool had_old = std::exchange(content_, std::move(loaded->content)) != nullptr;
  const bool had_problem = !std::exchange(problem_, {}).empty();
  lock.unlock();
  if (had_old) {
    log_.info("{} has changed -- read anew", name());
  } else if (had_problem) {
    log_.info("{} is available now", name());
  }
}

void FollowedFiles::report(const Loaded& loaded) const {
  for (const auto& warning : loaded.warnings) log_.warning("{}", warning);
  if (!loaded.notice.empty() && loaded.notice != notice_) log_.info("{}", loaded.notice);
  notice_ = loaded.notice;
}

void FollowedFiles::keep_old(const std::string& reason) const {
  std::unique_lock lock(mutex_);
  if (reason == problem_) return;
  problem_ = reason;
  const bool has_old = content_ != nullptr;
  lock.unlock();
  if (has_old) {
    log_.warning("{}: {}; keeping the old content", name(), reason);
  } else {
    log_.error("{}", reason);
  }
}

}  // namespace waypost::tables
