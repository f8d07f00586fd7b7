#include "tools/table_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/text.h"

namespace waypost::tools {
namespace {

constexpr mode_t kPermissions = 07777;
constexpr int kLockTries = 600;
constexpr std::chrono::milliseconds kLockPause{100};

}  // namespace

std::unexpected<Error> system_error(std::string_view doing, const std::string& path) {
  return fail(Errc::io, fmt::format("{} {}: {}", doing, path, errno_text(errno)));
}

Identity::Identity(const struct stat& source, const std::string& directory) {
  if (::geteuid() != 0 || source.st_uid == 0) return;
  if (::setegid(source.st_gid) != 0 || ::seteuid(source.st_uid) != 0) {
    is_ok_ = false;
    return;
  }
  const bool may_create = ::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
  struct stat status{};
  if (!may_create && ::stat(directory.c_str(), &status) == 0 && status.st_uid == 0) restore();
}

void Identity::restore() {
  if (::getuid() == 0 && ::geteuid() != 0) is_ok_ = ::seteuid(0) == 0 && is_ok_;
  if (::getgid() != ::getegid()) is_ok_ = ::setegid(::getgid()) == 0 && is_ok_;
}

Result<DatabaseLock> DatabaseLock::take(const std::string& path) {
  for (int tries = 0; tries < kLockTries; ++tries) {
    DatabaseLock lock(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!lock.file_.is_open() && errno == ENOENT) return lock;
    if (!lock.file_.is_open()) return system_error("open database", path);
    const bool is_locked = ::flock(lock.file_.get(), LOCK_EX | LOCK_NB) == 0;
    struct stat mine{}, current{};
    const bool is_current = ::fstat(lock.file_.get(), &mine) == 0 && ::stat(path.c_str(), &current) == 0 &&
                            mine.st_ino == current.st_ino && mine.st_dev == current.st_dev;
    if (is_locked && is_current) {
      lock.status_ = mine;
      return lock;
    }
    std::this_thread::sleep_for(kLockPause);
  }
  return fail(Errc::unavailable, fmt::format("lock database {}: somebody else holds it", path));
}

NewFile::NewFile(const std::string& target) : target_(target), path_(fmt::format("{}.{}.new", target, ::getpid())) {
  ::unlink(path_.c_str());
}

NewFile::~NewFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<> NewFile::put_in_place(const std::optional<struct stat>& before, const std::optional<struct stat>& source) {
  const auto& owner = before ? before : source;
  // By descriptor: in a folder of somebody else's the name may have become a link to root's files meanwhile.
  const Descriptor file(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status{};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) return system_error("open database", path_);
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) {
    return fail(Errc::io, fmt::format("open database {}: it is no plain file any more", path_));
  }
  // Who is not root, and not the owner, cannot give files away: his own they stay.
  if (owner && ::geteuid() == 0 && ::fchown(file.get(), owner->st_uid, owner->st_gid) != 0) {
    return system_error("change owner of", path_);
  }
  if (before && ::fchmod(file.get(), before->st_mode & kPermissions) != 0) {
    return system_error("change mode of", path_);
  }
  if (::rename(path_.c_str(), target_.c_str()) != 0) return system_error("rename database", target_);
  path_.clear();
  return {};
}

}  // namespace waypost::tools
