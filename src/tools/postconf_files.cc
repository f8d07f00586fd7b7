#include "tools/postconf_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/text.h"
#include "config/main_cf.h"

namespace waypost::tools {

namespace {

constexpr std::string_view kSuffix = ".tmp";  // the name that Postfix's postconf locks, too
constexpr int kMaxLockAttempts = 1'000;       // each ends with another edit of the file

std::unexpected<Error> failure(std::string_view call, const std::string& path) {
  const int error = errno;
  return fail(error == ENOSPC ? Errc::no_space : Errc::io, fmt::format("{} {}: {}", call, path, errno_text(error)));
}

// An empty file of that name that nobody else writes; removed unless it was renamed.
class TemporaryFile {
 public:
  static Result<TemporaryFile> open(const std::string& path) {
    for (int attempt = 0; attempt < kMaxLockAttempts; ++attempt) {
      Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
      if (!fd.is_open()) return failure("open", path);
      if (::flock(fd.get(), LOCK_EX) != 0) return failure("lock", path);
      struct stat locked{}, named{};
      if (::fstat(fd.get(), &locked) != 0) return failure("open", path);
      // whoever had the lock before has renamed or removed the file
      if (::lstat(path.c_str(), &named) != 0 || named.st_dev != locked.st_dev || named.st_ino != locked.st_ino)
        continue;
      // what a crash left: it may be the edited file itself by its second name, so it is never written
      if (named.st_size == 0 && named.st_nlink == 1) return TemporaryFile(std::move(fd), path);
      if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure("unlink", path);
    }
    return fail(Errc::io, fmt::format("lock {}: too many edits at once", path));
  }

  TemporaryFile(TemporaryFile&& other) noexcept : fd_(std::move(other.fd_)), path_(std::move(other.path_)) {
    other.path_.clear();
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Result<> fill(std::string_view content, const struct stat& like) {
    while (!content.empty()) {
      const ssize_t n = ::write(fd_.get(), content.data(), content.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failure("write", path_);
      content.remove_prefix(static_cast<std::size_t>(n));
    }
    // an owner that cannot be kept is one that this user does not have the right to set: the file is then theirs
    if (::fchown(fd_.get(), like.st_uid, like.st_gid) != 0 && errno != EPERM) return failure("chown", path_);
    if (::fchmod(fd_.get(), like.st_mode & 07777) != 0) return failure("chmod", path_);
    if (::fsync(fd_.get()) != 0) return failure("fsync", path_);
    return {};
  }

  // The lock is held until this object ends.
  Result<> rename_to(const std::string& path) {
    if (::rename(path_.c_str(), path.c_str()) != 0) return failure("rename", path_);
    path_.clear();
    return {};
  }

 private:
  TemporaryFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Descriptor fd_;
  std::string path_;  // empty: not ours any more
};

// The rename is not safe from a power cut before the folder is on disk.
Result<> sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Descriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) return failure("fsync", folder);
  return {};
}

}  // namespace

Result<> edit_file(const std::string& path, const Change& change) {
  std::error_code error;
  const std::string real = std::filesystem::canonical(path, error).string();
  if (error) return fail(Errc::io, fmt::format("open {} for reading: {}", path, errno_text(error.value())));
  auto temporary = TemporaryFile::open(real + std::string(kSuffix));
  if (!temporary) return std::unexpected(temporary.error());
  struct stat like{};
  if (::stat(real.c_str(), &like) != 0) return failure("stat", path);
  const auto content = config::read_config_file(real);
  if (!content) return std::unexpected(content.error());
  const auto changed = change(*content);
  if (!changed) return std::unexpected(changed.error());
  if (*changed == *content) return {};
  if (auto done = temporary->fill(*changed, like); !done) return done;
  if (auto done = temporary->rename_to(real); !done) return done;
  return sync_folder_of(real);
}

}  // namespace waypost::tools
