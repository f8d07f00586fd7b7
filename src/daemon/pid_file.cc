#include "daemon/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::daemon {
namespace {

std::optional<pid_t> read_pid(int fd) {
  char text[32];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  if (n <= 0) return std::nullopt;
  const auto pid = parse_number(trim(std::string_view(text, static_cast<std::size_t>(n))), INT32_MAX);
  if (!pid || *pid == 0) return std::nullopt;
  return static_cast<pid_t>(*pid);
}

Error open_error(const std::string& path, int error) {
  return {Errc::io, fmt::format("open lock file {}: {}", path, errno_text(error))};
}

}  // namespace

Result<PidFile> PidFile::acquire(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return std::unexpected(open_error(path, errno));
  PidFile file{Descriptor(fd)};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const auto pid = read_pid(fd);
    return fail(Errc::exists,
                fmt::format("the Postfix mail system is already running{}", pid ? fmt::format(": PID: {}", *pid) : ""));
  }
  const auto text = fmt::format("{:>10}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return fail(Errc::io, fmt::format("write {}: {}", path, errno_text(errno)));
  }
  return file;
}

Result<std::optional<pid_t>> PidFile::holder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    if (errno == ENOENT) return std::optional<pid_t>();
    return std::unexpected(open_error(path, errno));
  }
  const Descriptor closer(fd);  // also gives back the lock that the test below may take
  if (::flock(fd, LOCK_SH | LOCK_NB) == 0) return std::optional<pid_t>();
  return read_pid(fd);
}

}  // namespace waypost::daemon
