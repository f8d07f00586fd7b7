#include "spool/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/text.h"

namespace waypost::spool {

namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;
constexpr std::size_t kMaxPieces = IOV_MAX;

std::unexpected<Error> failed(std::string_view what, std::string_view path, int error) {
  Errc code = Errc::io;
  if (error == ENOSPC || error == EDQUOT) code = Errc::no_space;
  if (error == ENOENT) code = Errc::not_found;
  if (error == EEXIST) code = Errc::exists;
  return fail(code, fmt::format("{} {}: {}", what, path, errno_text(error)));
}

// Drops what has been written from the front of the pieces.
std::span<iovec> drop_written(std::span<iovec> pieces, std::size_t written) {
  while (!pieces.empty() && written >= pieces.front().iov_len) {
    written -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty() && written > 0) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + written;
    pieces.front().iov_len -= written;
  }
  return pieces;
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Result<> write(std::span<iovec> pieces, std::uint64_t offset) override {
    pieces = drop_written(pieces, 0);
    while (!pieces.empty()) {
      const auto count = static_cast<int>(std::min(pieces.size(), kMaxPieces));
      const ssize_t written = ::pwritev(fd_.get(), pieces.data(), count, static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failed("write", path_, errno);
      if (written == 0) return failed("write", path_, EIO);
      offset += static_cast<std::uint64_t>(written);
      pieces = drop_written(pieces, static_cast<std::size_t>(written));
    }
    return {};
  }

  Result<std::size_t> read(std::span<char> into, std::uint64_t offset) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got = ::pread(fd_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed("read", path_, errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<> sync() override {
    // Not repeated on EINTR: after any failure the state of the pages is unknown.
    if (::fdatasync(fd_.get()) != 0) return failed("fdatasync", path_, errno);
    return {};
  }

  Result<> allocate(std::uint64_t size) override {
    const int error = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(size));
    if (error != 0) return failed("allocate space for", path_, error);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status{};
    if (::fstat(fd_.get(), &status) != 0) return failed("stat", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}

 private:
  Descriptor fd_;  // flock goes with the descriptor
};

Result<std::unique_ptr<File>> open_file(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, kFileMode);
  if (fd < 0) return failed("open", path, errno);
  return std::make_unique<PosixFile>(fd, path);
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::create(const std::string& path) {
  return open_file(path, O_RDWR | O_CREAT | O_EXCL);
}

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path) { return open_file(path, O_RDWR); }

Result<std::unique_ptr<File>> PosixFileSystem::open_to_read(const std::string& path) {
  return open_file(path, O_RDONLY);
}

Result<> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from, errno);
  return {};
}

Result<> PosixFileSystem::unlink(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return failed("remove", path, errno);
  return {};
}

Result<> PosixFileSystem::make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) return failed("make directory", path, errno);
  return {};
}

Result<std::vector<DirectoryEntry>> PosixFileSystem::list(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open_directory(::opendir(directory.c_str()), &::closedir);
  if (!open_directory) return failed("list", directory, errno);
  std::vector<DirectoryEntry> entries;
  errno = 0;
  while (const dirent* entry = ::readdir(open_directory.get())) {  // NOLINT(concurrency-mt-unsafe): our own stream
    struct stat status{};
    if (::fstatat(::dirfd(open_directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode))
      entries.push_back({entry->d_name, static_cast<std::uint64_t>(status.st_size)});
    errno = 0;
  }
  if (errno != 0) return failed("list", directory, errno);
  return entries;
}

Result<> PosixFileSystem::sync_directory(const std::string& directory) {
  const Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return failed("open", directory, errno);
  if (::fsync(fd.get()) != 0) return failed("fsync", directory, errno);
  return {};
}

Result<VolumeSpace> PosixFileSystem::space(const std::string& directory) {
  struct statvfs volume{};
  if (::statvfs(directory.c_str(), &volume) != 0) return failed("statvfs", directory, errno);
  return VolumeSpace{volume.f_blocks * volume.f_frsize, volume.f_bavail * volume.f_frsize};
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::lock(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode);
  if (fd < 0) return failed("open", path, errno);
  auto held = std::make_unique<PosixLock>(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error != EWOULDBLOCK) return failed("lock", path, error);
    char holder[32] = {};
    const ssize_t got = ::pread(fd, holder, sizeof holder - 1, 0);
    const std::string_view pid = trim(std::string_view(holder, got > 0 ? static_cast<std::size_t>(got) : 0));
    return fail(Errc::exists, fmt::format("{} is locked: process {} uses this spool", path, pid));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    // A full disk must not keep the spool from starting: the lock holds without the number in it.
    return held;
  }
  return held;
}

Result<std::string> read_exactly(File& file, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  const auto got = file.read(bytes, offset);
  if (!got) return std::unexpected(got.error());
  if (*got != size) return fail(Errc::corrupt, "the file ends before the record does");
  return bytes;
}

Result<> write_bytes(File& file, std::string_view bytes, std::uint64_t offset) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  return file.write({&piece, 1}, offset);
}

}  // namespace waypost::spool
