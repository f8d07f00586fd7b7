#include "tools/postconf_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::tools {

namespace {

std::unexpected<Error> failure(std::string_view call, const std::string& path) {
  const int error = errno;
  return fail(error == ENOSPC ? Errc::no_space : Errc::io, fmt::format("{} {}: {}", call, path, errno_text(error)));
}

Result<> fill(int fd, const std::string& path, std::string_view content, const struct stat& like) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("write", path);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  // an owner that cannot be kept is one that this user does not have the right to set: the file is then theirs
  if (::fchown(fd, like.st_uid, like.st_gid) != 0 && errno != EPERM) return failure("chown", path);
  if (::fchmod(fd, like.st_mode & 07777) != 0) return failure("chmod", path);
  if (::fsync(fd) != 0) return failure("fsync", path);
  return {};
}

}  // namespace

Result<> replace_file(const std::string& path, std::string_view content) {
  struct stat like{};
  if (::stat(path.c_str(), &like) != 0) return failure("stat", path);
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failure("create", temporary);
  Result<> done = fill(fd, temporary, content, like);
  ::close(fd);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0) done = failure("rename", temporary);
  if (!done) ::unlink(temporary.c_str());
  return done;
}

}  // namespace waypost::tools
