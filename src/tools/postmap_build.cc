#include "tools/postmap_build.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include "base/text.h"
#include "tables/db_rows.h"
#include "tables/db_writer.h"
#include "tables/file_io.h"
#include "tables/registry.h"
#include "tables/source_file.h"

namespace waypost::tools {
namespace {

using tables::DbKind;
using tables::RowIndex;

constexpr mode_t kGroupAndOthersWrite = 022, kGroupAndOthers = 077, kPermissions = 07777;
constexpr int kLockTries = 600;
constexpr std::chrono::milliseconds kLockPause{100};

std::unexpected<Error> failed(std::string_view doing, const std::string& path) {
  return fail(Errc::io, fmt::format("{} {}: {}", doing, path, errno_text(errno)));
}

Result<DbKind> kind_of(const TableName& table) {
  if (table.type == "hash") return DbKind::hash;
  if (table.type == "btree") return DbKind::btree;
  return fail(Errc::invalid, fmt::format("unsupported map type for this operation: {}", table.type));
}

// Root takes the identity of the source's owner, so that a table in his directory is his, and nothing in there can
// turn root's writes elsewhere. Where he may not create files (a table of his in root's own directory) root goes on:
// that directory is safe, and the result is given to him.
class Identity {
 public:
  Identity(const struct stat& source, const std::string& directory) {
    if (::geteuid() != 0 || source.st_uid == 0) return;
    if (::setegid(source.st_gid) != 0 || ::seteuid(source.st_uid) != 0) {
      is_ok_ = false;
      return;
    }
    const bool may_create = ::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
    struct stat status{};
    if (!may_create && ::stat(directory.c_str(), &status) == 0 && status.st_uid == 0) restore();
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;
  ~Identity() { restore(); }
  bool is_ok() const { return is_ok_; }

 private:
  void restore() {
    if (::getuid() == 0 && ::geteuid() != 0) is_ok_ = ::seteuid(0) == 0 && is_ok_;
    if (::getgid() != ::getegid()) is_ok_ = ::setegid(::getgid()) == 0 && is_ok_;
  }
  bool is_ok_ = true;
};

class Umask {
 public:
  explicit Umask(mode_t mask) : old_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(old_); }

 private:
  mode_t old_;
};

// An exclusive flock(2) on the .db that is to be replaced, so that two commands do not lose each other's rows. Holds
// nothing when there is no such file yet.
class DbLock {
 public:
  static Result<DbLock> take(const std::string& db_path) {
    for (int tries = 0; tries < kLockTries; ++tries) {
      DbLock lock(::open(db_path.c_str(), O_RDWR | O_CLOEXEC));
      if (lock.fd_ < 0 && errno == ENOENT) return lock;
      if (lock.fd_ < 0) return failed("open database", db_path);
      const bool is_locked = ::flock(lock.fd_, LOCK_EX | LOCK_NB) == 0;
      struct stat mine{}, current{};
      const bool is_current = ::fstat(lock.fd_, &mine) == 0 && ::stat(db_path.c_str(), &current) == 0 &&
                              mine.st_ino == current.st_ino && mine.st_dev == current.st_dev;
      if (is_locked && is_current) {
        lock.status_ = mine;
        return lock;
      }
      std::this_thread::sleep_for(kLockPause);
    }
    return fail(Errc::unavailable, fmt::format("lock database {}: somebody else holds it", db_path));
  }
  DbLock(DbLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)), status_(other.status_) {}
  DbLock& operator=(DbLock&&) = delete;
  ~DbLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  // Of the file that is locked.
  const std::optional<struct stat>& status() const { return status_; }

 private:
  explicit DbLock(int fd) : fd_(fd) {}
  int fd_;
  std::optional<struct stat> status_;
};

// A file that is removed unless it took its place.
class NewFile {
 public:
  explicit NewFile(const std::string& target) : target_(target), path_(fmt::format("{}.{}.new", target, ::getpid())) {
    ::unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

  // Owner and mode as the file before, or as given; then the rename.
  Result<> put_in_place(const std::optional<struct stat>& before, const std::optional<struct stat>& source) {
    const auto& owner = before ? before : source;
    // Who is not root, and not the owner, cannot give files away: his own they stay.
    if (owner && ::geteuid() == 0 && ::chown(path_.c_str(), owner->st_uid, owner->st_gid) != 0) {
      return failed("change owner of", path_);
    }
    if (before && ::chmod(path_.c_str(), before->st_mode & kPermissions) != 0) return failed("change mode of", path_);
    if (::rename(path_.c_str(), target_.c_str()) != 0) return failed("rename database", target_);
    path_.clear();
    return {};
  }

 private:
  std::string target_, path_;
};

std::string stored(std::string text, bool nul_byte) {
  if (nul_byte) text += '\0';
  return text;
}

// Adds the rows of a source to what is there. "PATH.db: duplicate entry" as Postfix says it.
Result<> add_rows(RowIndex& rows, std::string_view text, const std::string& text_name, const std::string& db_path,
                  const PostmapOptions& options, std::vector<std::string>& warnings) {
  bool is_full = false;
  tables::for_each_row(text, text_name, {.utf8 = options.utf8}, warnings, [&](const tables::Row& row) {
    const std::string folded = options.fold ? to_lower(row.key) : std::string(row.key);
    const std::string key = stored(folded, options.nul_bytes);
    const std::string value = stored(std::string(row.value), options.nul_bytes);
    const bool replaces = options.duplicates == tables::Duplicates::replace;
    const auto added = replaces ? rows.put(key, value) : rows.add(key, value);
    if (added == RowIndex::Added::duplicate && options.duplicates == tables::Duplicates::warn) {
      warnings.push_back(fmt::format("{}: duplicate entry: \"{}\"", db_path, folded));
    }
    is_full = added == RowIndex::Added::full;
    return !is_full;
  });
  if (is_full) return fail(Errc::invalid, fmt::format("{}: table too large", db_path));
  return {};
}

// The new file in the place of the old. `keep` says which rows stay.
template <class Keep>
Result<> write_rows(const RowIndex& rows, DbKind kind, const std::string& db_path, const DbLock& lock,
                    const std::optional<struct stat>& source, Keep keep) {
  NewFile file(db_path);
  auto writer = tables::DbWriter::create(file.path(), kind, static_cast<std::uint32_t>(rows.size()));
  if (!writer) return std::unexpected(writer.error());
  Result<> done;
  rows.for_each([&](std::string_view key, std::string_view value) {
    if (done && keep(key)) done = writer->put(key, value);
  });
  if (!done) return done;
  if (done = writer->finish(); !done) return done;
  return file.put_in_place(lock.status(), source);
}

constexpr auto kKeepAll = [](std::string_view) { return true; };

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string root_owned_warning(const std::string& path, const std::string& directory) {
  return fmt::format(
      "Creating root-owned database file(s) {0}.* in non-root-owned directory {1}. Files {0}, {0}.*, and directory {1} "
      "should have the same owner. Please fix ownership to avoid a privilege-escalation attack.",
      path, directory);
}

}  // namespace

Result<> build_table(const TableName& table, const PostmapOptions& options, std::vector<std::string>& warnings) {
  if (table.type == "proxy") return fail(Errc::invalid, "can't create maps via the proxy service");
  const auto text = tables::read_whole_file(table.path);
  if (!text) return fail(text.error().code, fmt::format("open {}: {}", table.path, text.error().text));
  const auto kind = kind_of(table);
  if (!kind) return std::unexpected(kind.error());
  struct stat source{};
  if (::stat(table.path.c_str(), &source) != 0) return failed("fstat", table.path);
  const std::string db_path = table.path + ".db", directory = parent_of(table.path);
  std::optional<Identity> identity;
  if (options.as_owner) {
    struct stat parent{};
    const bool is_foreign = ::stat(directory.c_str(), &parent) == 0 && parent.st_uid != 0;
    if (::getuid() == 0 && source.st_uid == 0 && is_foreign)
      warnings.push_back(root_owned_warning(table.path, directory));
    identity.emplace(source, directory);
    if (!identity->is_ok()) return failed("become the owner of", table.path);
  }
  std::optional<Umask> mask;
  if (options.copy_mode && S_ISREG(source.st_mode)) {
    mask.emplace(kGroupAndOthersWrite | (~source.st_mode & kGroupAndOthers));
  }
  const auto lock = DbLock::take(db_path);
  if (!lock) return std::unexpected(lock.error());
  RowIndex rows;
  if (auto added = add_rows(rows, *text, table.path, db_path, options, warnings); !added) return added;
  const auto owner = options.as_owner ? std::optional(source) : std::nullopt;
  return write_rows(rows, *kind, db_path, *lock, owner, kKeepAll);
}

Result<> update_table(const TableName& table, const PostmapOptions& options, std::string_view text,
                      std::vector<std::string>& warnings) {
  const auto kind = kind_of(table);
  if (!kind) return std::unexpected(kind.error());
  const std::string db_path = table.path + ".db";
  const auto lock = DbLock::take(db_path);
  if (!lock) return std::unexpected(lock.error());
  auto rows = std::make_shared<RowIndex>();
  if (lock->status()) {
    auto old = tables::load_raw_db_rows(db_path, *kind);
    if (!old) return std::unexpected(old.error());
    rows = std::move(*old);
  }
  if (auto added = add_rows(*rows, text, "stdin", db_path, options, warnings); !added) return added;
  return write_rows(*rows, *kind, db_path, *lock, std::nullopt, kKeepAll);
}

Result<bool> remove_keys(const TableName& table, const PostmapOptions& options, const std::vector<std::string>& keys) {
  const auto kind = kind_of(table);
  if (!kind) {
    if (!tables::is_supported_type(table.type)) {
      return fail(Errc::invalid, fmt::format("unsupported dictionary type: {}", table.type));
    }
    return fail(Errc::invalid, fmt::format("{}:{} map requires O_RDONLY access mode", table.type, table.path));
  }
  const std::string db_path = table.path + ".db";
  const auto lock = DbLock::take(db_path);
  if (!lock) return std::unexpected(lock.error());
  const auto rows = tables::load_raw_db_rows(db_path, *kind);
  if (!rows) return std::unexpected(rows.error());
  RowIndex doomed;
  for (const auto& given : keys) {
    const std::string key = options.fold ? to_lower(given) : given;
    // With its NUL byte first, then without: one of them goes.
    const std::string with_nul = stored(key, true);
    if ((*rows)->get(with_nul)) {
      doomed.add(with_nul, "");
    } else if ((*rows)->get(key)) {
      doomed.add(key, "");
    }
  }
  if (doomed.size() == 0) return false;
  const auto stays = [&](std::string_view key) { return !doomed.get(key).has_value(); };
  if (auto done = write_rows(**rows, *kind, db_path, *lock, std::nullopt, stays); !done) {
    return std::unexpected(done.error());
  }
  return true;
}

}  // namespace waypost::tools
