#include "tables/file_io.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/descriptor.h"
#include "base/text.h"
#include "net/io_thread.h"

namespace waypost::tables {
namespace {

constexpr std::chrono::milliseconds kLockPause{50};
constexpr std::size_t kFirstRead = 65536;

std::unexpected<Error> failed(int error) {
  return fail(error == ENOENT ? Errc::not_found : Errc::io, errno_text(error));
}

Result<std::string> read_all(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return failed(errno);
  if (S_ISDIR(status.st_mode)) return fail(Errc::invalid, errno_text(EISDIR));
  std::string text;
  std::size_t used = 0;
  text.resize(std::max(kFirstRead, static_cast<std::size_t>(status.st_size) + 1));
  while (true) {
    const ssize_t got = ::read(fd, text.data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > kMaxTableFileBytes) return fail(Errc::invalid, errno_text(EFBIG));
    if (used == text.size()) text.resize(used * 2);
  }
  text.resize(used);
  return text;
}

// The lock of fcntl(2) is one of the open file, not of the process: another reader's close must not end it.
bool try_shared_lock(int fd, FileLock lock) {
  if (lock == FileLock::flock) return ::flock(fd, LOCK_SH | LOCK_NB) == 0;
  struct flock whole{};
  whole.l_type = F_RDLCK;
  whole.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

}  // namespace

Result<std::string> read_whole_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed(errno);
  return read_all(file.get());
}

Result<std::string> read_locked_file(const std::string& path, FileLock lock) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed(errno);
  int pauses_left = net::IoThread::current() == nullptr ? kLockWait / kLockPause : 0;
  for (; !try_shared_lock(file.get(), lock); --pauses_left) {
    if (errno != EWOULDBLOCK && errno != EACCES && errno != EINTR) return failed(errno);
    if (pauses_left == 0) return fail(Errc::unavailable, "somebody else has locked it");
    std::this_thread::sleep_for(kLockPause);
  }
  return read_all(file.get());
}

}  // namespace waypost::tables
