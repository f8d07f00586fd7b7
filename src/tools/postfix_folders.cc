#include "tools/postfix_folders.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "base/text.h"
#include "postfix_queue/queue_name.h"

namespace waypost::tools {
namespace {

constexpr std::array<std::string_view, 3> kLogKinds = {"defer", "bounce", "trace"};
constexpr unsigned kMaxFindDepth = 4;  // of hash_queue_depth, where a file is looked for by name

std::unexpected<Error> failed(std::string_view what, std::string_view path, int error) {
  return fail(error == ENOSPC ? Errc::no_space : Errc::io, fmt::format("{} {}: {}", what, path, errno_text(error)));
}

struct Listing {
  std::vector<std::string> files, folders;
};

Result<Listing> list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), ::closedir);
  if (!stream && errno == ENOENT) return Listing{};
  if (!stream) return failed("open", path, errno);
  Listing out;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {  // NOLINT(concurrency-mt-unsafe): a stream of its own
    const std::string_view name = entry->d_name;
    struct stat status{};
    if (postfix_queue::is_queue_name(name) &&
        ::fstatat(::dirfd(stream.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
      if (S_ISDIR(status.st_mode) && name.size() == 1) out.folders.emplace_back(name);
      if (S_ISREG(status.st_mode)) out.files.emplace_back(name);
    }
    errno = 0;
  }
  if (errno != 0) return failed("read", path, errno);
  std::ranges::sort(out.files);
  std::ranges::sort(out.folders);
  return out;
}

}  // namespace

Result<QueueFileSource> QueueFileSource::open(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) return failed("open", path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return failed("stat", path, errno);
  if (!S_ISREG(status.st_mode)) return fail(Errc::invalid, "not a plain file");
  return QueueFileSource(std::move(file), status);
}

Result<std::string> QueueFileSource::read(std::uint64_t offset, std::size_t limit) const {
  std::string out(offset < size() ? std::min<std::uint64_t>(limit, size() - offset) : 0, '\0');
  std::size_t got = 0;
  while (got < out.size()) {
    const ssize_t n = ::pread(file_.get(), out.data() + got, out.size() - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Errc::io, errno_text(errno));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  out.resize(got);
  return out;
}

WallTime QueueFileSource::modified() const {
  return WallTime{std::chrono::seconds(status_.st_mtim.tv_sec) +
                  std::chrono::microseconds(status_.st_mtim.tv_nsec / 1000)};
}

Result<> PostfixFolders::for_each(const std::string& queue,
                                  const std::function<Result<>(const QueueEntry&)>& each) const {
  return walk(queue, queue + "/", 0, each);
}

Result<> PostfixFolders::walk(const std::string& queue, const std::string& folder, int depth,
                              const std::function<Result<>(const QueueEntry&)>& each) const {
  auto listing = list(fmt::format("{}/{}", root_, folder));
  if (!listing) return std::unexpected(listing.error());
  for (auto& name : listing->files) {
    if (auto done = each(QueueEntry{queue, std::move(name), folder}); !done) return done;
  }
  if (depth == kMaxHashDepth) return {};
  for (const auto& name : listing->folders) {
    if (auto done = walk(queue, fmt::format("{}{}/", folder, name), depth + 1, each); !done) return done;
  }
  return {};
}

std::string PostfixFolders::find(std::string_view kind, const std::string& name) const {
  for (unsigned depth = 0; depth <= kMaxFindDepth; ++depth) {
    auto path = fmt::format("{}/{}{}", kind, postfix_queue::hash_folder(name, depth), name);
    struct stat status{};
    if (::lstat(fmt::format("{}/{}", root_, path).c_str(), &status) == 0 && S_ISREG(status.st_mode)) return path;
  }
  return "";
}

std::string PostfixFolders::log(std::string_view kind, const std::string& name) const {
  const auto path = find(kind, name);
  if (path.empty()) return "";
  const auto file = QueueFileSource::open(fmt::format("{}/{}", root_, path));
  if (!file) return "";
  return file->read(0, kMaxLogBytes).value_or("");
}

Result<> PostfixFolders::move(const std::string& path, const std::string& aside) const {
  const auto folder = fmt::format("{}/{}", aside, path.substr(0, path.rfind('/')));
  if (auto made = make_folders(root_, folder); !made) return made;
  const auto from = fmt::format("{}/{}", root_, path), to = fmt::format("{}/{}/{}", root_, aside, path);
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("move aside", from, errno);
  return {};
}

Result<> PostfixFolders::move_aside(const QueueEntry& entry, const std::string& aside) const {
  if (auto moved = move(entry.path(), aside); !moved) return moved;
  for (const auto kind : kLogKinds) {
    const auto path = find(kind, entry.name);
    if (path.empty()) continue;
    // A log that stays behind means nothing to Postfix without its message.
    if (auto moved = move(path, aside); !moved) return {};
  }
  return {};
}

std::optional<uid_t> PostfixFolders::owner() const {
  struct stat status{};
  if (::stat(fmt::format("{}/incoming", root_).c_str(), &status) != 0) return std::nullopt;
  return status.st_uid;
}

Result<> make_folders(const std::string& root, const std::string& relative, std::optional<FolderOwner> owner) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = relative.find('/', end + 1);
    const auto path = fmt::format("{}/{}", root, relative.substr(0, end));
    const bool made = ::mkdir(path.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) return failed("create directory", path, errno);
    if (made && owner && ::lchown(path.c_str(), owner->uid, owner->gid) != 0)
      return failed("change owner of", path, errno);
  }
  return {};
}

Result<> sync_folder(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || ::fsync(folder.get()) != 0) return failed("sync", path, errno);
  return {};
}

}  // namespace waypost::tools
