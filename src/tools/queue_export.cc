#include "tools/queue_export.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/text.h"
#include "daemon/paths.h"
#include "postfix_queue/queue_file.h"
#include "postfix_queue/queue_file_writer.h"
#include "postfix_queue/queue_name.h"
#include "tools/console.h"

namespace waypost::tools {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::uint32_t kMaxNames = 1000;  // tried for one file
const std::string kDeferred = "deferred", kHold = "hold";
constexpr mode_t kReady = 0700;     // Postfix's mark of a file that is complete
constexpr mode_t kToExpire = 0010;  // and of one that postsuper -e was used on

std::unexpected<Error> failed(std::string_view what, std::string_view path, int error) {
  return fail(error == ENOSPC ? Errc::no_space : Errc::io, fmt::format("{} {}: {}", what, path, errno_text(error)));
}

Result<> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

timespec timespec_of(WallTime time) {
  const auto since_epoch = time.time_since_epoch().count();
  return {since_epoch / 1'000'000, since_epoch % 1'000'000 * 1000};
}

std::uint32_t microseconds_of(WallTime time) {
  return static_cast<std::uint32_t>(time.time_since_epoch().count() % 1'000'000);
}

// Everything about the open file that Postfix reads from its inode. The queue manager tries a deferred message when its
// modification time has come.
Result<> finish_file(int fd, const std::string& path, const mail::Progress& progress, WallTime now) {
  const timespec time = timespec_of(std::max(progress.next_attempt, now));
  const timespec times[2] = {time, time};
  const mode_t mode = kReady | (progress.force_expire ? kToExpire : 0);
  if (::fchmod(fd, mode) != 0 || ::futimens(fd, times) != 0) return failed("finish", path, errno);
  return {};
}

}  // namespace

QueueExport::QueueExport(ExportSettings settings, spool::SegmentSpool& spool, ScriptLog& log, WallTime now)
    : settings_(std::move(settings)), spool_(spool), log_(log), now_(now) {}

std::string QueueExport::exporting(const std::string& queue, QueueId id) const {
  return fmt::format("{}/{}/{}/{}", settings_.root, daemon::kExportingFolder, queue, id.text());
}

Result<std::string> QueueExport::folder_for(const std::string& queue, const std::string& name) const {
  const bool hashed = std::ranges::find(settings_.hashed, queue) != settings_.hashed.end();
  const auto hash = hashed ? postfix_queue::hash_folder(name, settings_.hash_depth) : "";
  auto folder = fmt::format("{}/{}", queue, hash);
  if (auto made = make_folders(settings_.root, folder.substr(0, folder.size() - 1), owner_); !made)
    return std::unexpected(made.error());
  return folder;
}

Result<ExportCounts> QueueExport::run(const std::vector<QueueId>& ids) {
  struct stat incoming{};
  const auto path = settings_.root + "/incoming";
  if (::stat(path.c_str(), &incoming) != 0) return failed("stat", path, errno);
  owner_ = {incoming.st_uid, incoming.st_gid};
  for (const auto& queue : {kDeferred, kHold}) {
    const auto folder = fmt::format("{}/{}", daemon::kExportingFolder, queue);
    if (auto made = make_folders(settings_.root, folder); !made) return std::unexpected(made.error());
    if (auto finished = finish_earlier_run(queue, ids); !finished) return std::unexpected(finished.error());
  }
  if (auto synced = sync_folders(); !synced) return std::unexpected(synced.error());
  for (std::size_t at = 0; at < ids.size(); at += kExportBatch) {
    if (auto given = give(std::span(ids).subspan(at, std::min(kExportBatch, ids.size() - at))); !given)
      return std::unexpected(given.error());
  }
  return counts_;
}

Result<> QueueExport::give(std::span<const QueueId> ids) {
  std::vector<Written> batch;
  for (const auto id : ids) {
    auto written = write(id);
    if (written) {
      batch.push_back(std::move(*written));
    } else if (written.error().code == Errc::corrupt) {
      ++counts_.skipped;
      log_.warning(fmt::format("{}: skipped: {}", id.text(), written.error().text));
    } else {
      return std::unexpected(written.error());
    }
  }
  // All of them are written first: a journaling file system has little left to do from the second sync on.
  for (const auto& written : batch) {
    if (::fsync(written.file.get()) != 0) return failed("sync", exporting(written.queue, written.id), errno);
  }
  for (const auto& queue : {kDeferred, kHold}) {
    const auto folder = fmt::format("{}/{}/{}", settings_.root, daemon::kExportingFolder, queue);
    if (auto synced = sync_folder(folder); !synced) return synced;
  }
  for (const auto& written : batch) spool_.remove(written.id);
  if (auto flushed = spool_.flush(); !flushed) return flushed;
  for (const auto& written : batch) {
    if (auto placed = place(written); !placed) return placed;
  }
  return sync_folders();
}

Result<> QueueExport::sync_folders() {
  for (const auto& folder : std::exchange(touched_, {})) {
    if (auto synced = sync_folder(fmt::format("{}/{}", settings_.root, folder)); !synced) return synced;
  }
  return {};
}

// What a run that was cut off left behind; the reasons of its recipients went with the spool's copy.
Result<> QueueExport::finish_earlier_run(const std::string& queue, const std::vector<QueueId>& ids) {
  const std::set<QueueId> stored(ids.begin(), ids.end());
  const auto folder = fmt::format("{}/{}", daemon::kExportingFolder, queue);
  return PostfixFolders(settings_.root).for_each(folder, [&](const QueueEntry& entry) -> Result<> {
    const auto id = QueueId::parse(entry.name);
    if (!id || stored.contains(*id)) return {};
    const auto path = exporting(queue, *id);
    const auto source = QueueFileSource::open(path);
    if (!source) return std::unexpected(source.error());
    const auto file = read_queue_file(*source, postfix_queue::Form::complete);
    if (!file) return fail(file.error().code, fmt::format("{}: {}", path, file.error().text));
    return place({*id, queue, microseconds_of(file->envelope.arrival), source->status().st_ino, "", {}});
  });
}

Result<QueueExport::Written> QueueExport::write(QueueId id) {
  const auto message = spool_.load(id);
  if (!message) return std::unexpected(message.error());
  Written out{.id = id,
              .queue = message->progress.held ? kHold : kDeferred,
              .microseconds = microseconds_of(message->envelope.arrival),
              .inode = 0,
              .failures = "",
              .file = {}};
  const auto path = exporting(out.queue, id);
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  struct stat status{};
  if (!file.is_open() || ::fchown(file.get(), owner_.uid, owner_.gid) != 0 || ::fstat(file.get(), &status) != 0)
    return failed("create", path, errno);
  out.inode = status.st_ino;
  if (auto written = write_content(file.get(), *message, out); !written) {
    ::unlink(path.c_str());
    return std::unexpected(written.error());
  }
  if (auto finished = finish_file(file.get(), path, message->progress, now_); !finished)
    return std::unexpected(finished.error());
  out.file = std::move(file);
  return out;
}

Result<> QueueExport::write_content(int fd, const spool::StoredMessage& message, Written& written) const {
  const auto path = exporting(written.queue, written.id);
  const auto reader = spool_.open(written.id);
  if (!reader) return std::unexpected(reader.error());
  std::optional<WallTime> warn_at;
  if (settings_.warn_age) warn_at = message.envelope.arrival + *settings_.warn_age;
  postfix_queue::QueueFileWriter writer(message.envelope, message.progress, warn_at);
  if (auto done = write_all(fd, writer.start(), path); !done) return done;
  for (std::uint64_t at = 0; at < (*reader)->size();) {
    const auto piece = (*reader)->read(at, kReadBytes);
    if (!piece) return fail(piece.error().code, fmt::format("{}: {}", written.id.text(), piece.error().text));
    if (piece->empty()) return fail(Errc::corrupt, fmt::format("{}: the content ends early", written.id.text()));
    at += piece->size();
    if (auto done = write_all(fd, writer.content(*piece), path); !done) return done;
  }
  if (auto done = write_all(fd, writer.finish(), path); !done) return done;
  const auto size = writer.size_record();
  if (::pwrite(fd, size.data(), size.size(), 0) != static_cast<ssize_t>(size.size()))
    return failed("write", path, errno);
  for (const auto& failure : writer.failures()) written.failures += postfix_queue::format_failure(failure);
  return {};
}

Result<> QueueExport::place(const Written& written) {
  const auto from = exporting(written.queue, written.id);
  // The inode is this file's own: its name can only be taken by a file that does not stand where it belongs.
  for (std::uint32_t i = 0; i < kMaxNames; ++i) {
    const auto name = postfix_queue::short_name(written.microseconds + i, written.inode);
    const auto folder = folder_for(written.queue, name);
    if (!folder) return std::unexpected(folder.error());
    const auto to = fmt::format("{}/{}{}", settings_.root, *folder, name);
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
      ++counts_.messages;
      counts_.held += written.queue == kHold ? 1 : 0;
      const auto text = fmt::format("{}: given back as {}{}", written.id.text(), *folder, name);
      log_.note(text);
      write_stdout(text + "\n");
      touched_.insert(*folder);
      return write_log(written, name);
    }
    if (errno != EEXIST) return failed("rename", from, errno);
  }
  return fail(Errc::exists, fmt::format("{}: no free name for it below {}", written.id.text(), settings_.root));
}

// Only mailq reads it: a crash may lose it.
Result<> QueueExport::write_log(const Written& written, const std::string& name) const {
  if (written.failures.empty()) return {};
  const auto folder = folder_for("defer", name);
  if (!folder) return std::unexpected(folder.error());
  const auto path = fmt::format("{}/{}{}", settings_.root, *folder, name);
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open() || ::fchown(file.get(), owner_.uid, owner_.gid) != 0) return failed("create", path, errno);
  return write_all(file.get(), written.failures, path);
}

}  // namespace waypost::tools
