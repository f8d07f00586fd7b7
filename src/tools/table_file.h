// Replacing a database file as a whole: lock, identity, owner and mode, rename. Readers see the old file or the new
// one.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/descriptor.h"
#include "base/result.h"

namespace waypost::tools {

// Root takes the identity of the source's owner, so that a table in his directory is his, and nothing in there can
// turn root's writes elsewhere. Where he may not create files (a table of his in root's own directory) root goes on:
// that directory is safe, and the result is given to him. Ends with the object.
class Identity {
 public:
  Identity(const struct stat& source, const std::string& directory);
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;
  ~Identity() { restore(); }
  bool is_ok() const { return is_ok_; }

 private:
  void restore();
  bool is_ok_ = true;
};

// What umask(2) takes from new files, as long as the object lives.
class Umask {
 public:
  explicit Umask(mode_t mask) : old_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(old_); }

 private:
  mode_t old_;
};

// An exclusive flock(2) on the file that is to be replaced, so that two commands do not lose each other's rows. Holds
// nothing when there is no such file yet. Waits up to a minute for another writer.
class DatabaseLock {
 public:
  static Result<DatabaseLock> take(const std::string& path);
  // Of the file that is locked.
  const std::optional<struct stat>& status() const { return status_; }

 private:
  explicit DatabaseLock(int fd) : file_(fd) {}
  Descriptor file_;
  std::optional<struct stat> status_;
};

// A file beside `target` that is removed unless it took its place.
class NewFile {
 public:
  explicit NewFile(const std::string& target);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();
  const std::string& path() const { return path_; }

  // Owner and mode as the file before, or as given; then the rename.
  Result<> put_in_place(const std::optional<struct stat>& before, const std::optional<struct stat>& source);

 private:
  std::string target_, path_;
};

// "open FILE: No such file or directory", from errno.
std::unexpected<Error> system_error(std::string_view doing, const std::string& path);

}  // namespace waypost::tools
