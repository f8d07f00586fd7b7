#include "daemon/directories.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::daemon {
namespace {

Result<> make_directory(const std::string& path, mode_t mode, const std::optional<Owner>& owner) {
  const bool made = ::mkdir(path.c_str(), mode) == 0;
  if (!made && errno != EEXIST) return fail(Errc::io, fmt::format("create directory {}: {}", path, errno_text(errno)));
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    return fail(Errc::io, fmt::format("{} is not a directory", path));
  // A folder that is not ours to change stays as it is; writing to it then says what is wrong.
  if (owner && info.st_uid != owner->uid && ::lchown(path.c_str(), owner->uid, owner->gid) != 0) {
    return fail(Errc::io, fmt::format("change owner of {}: {}", path, errno_text(errno)));
  }
  if ((info.st_mode & 07777) != mode && (made || info.st_uid == ::geteuid() || ::geteuid() == 0)) {
    if (::chmod(path.c_str(), mode) != 0)
      return fail(Errc::io, fmt::format("change mode of {}: {}", path, errno_text(errno)));
  }
  return {};
}

}  // namespace

Result<> make_directories(const Paths& paths, const std::optional<Owner>& owner) {
  std::error_code error;
  // Shared with Postfix: their owner and mode are left alone.
  for (const auto& shared :
       {std::filesystem::path(paths.queue_directory), std::filesystem::path(paths.pid_file).parent_path()}) {
    std::filesystem::create_directories(shared, error);
    if (error) return fail(Errc::io, fmt::format("create directory {}: {}", shared.string(), error.message()));
  }
  struct Wanted {
    const std::string& path;
    mode_t mode;
  };
  const std::array wanted{Wanted{paths.home, 0755}, Wanted{paths.segments, 0700}, Wanted{paths.drop, 01733},
                          Wanted{paths.aside, 0700}};
  for (const auto& [path, mode] : wanted) {
    if (auto made = make_directory(path, mode, owner); !made) return made;
  }
  return {};
}

}  // namespace waypost::daemon
