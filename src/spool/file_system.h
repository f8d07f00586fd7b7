// The narrow seam between the spool and the disk: every call that the engine makes to the operating system is here, so
// that a test can lose, tear, reorder and refuse each of them (fault_file_system.h). Failures: Errc::no_space for a
// full disk, quota or inode table, Errc::not_found for a name that is not there, Errc::exists for one that is, Errc::io
// for everything else, each with the path in the text. Thread-safe; a File may be used by several threads at once.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace waypost::spool {

class File {
 public:
  virtual ~File() = default;
  // All of the pieces, one after the other from `offset`; on failure any part may have been written. The array of
  // pieces is scratch for the call: its contents are unspecified afterwards.
  virtual Result<> write(std::span<iovec> pieces, std::uint64_t offset) = 0;
  // Fewer bytes than asked only at the end of the file.
  virtual Result<std::size_t> read(std::span<char> into, std::uint64_t offset) = 0;
  // fdatasync. After a failure nothing that was not durable before may be counted on, ever.
  virtual Result<> sync() = 0;
  // Makes the file at least `size` bytes long with blocks of its own, so that later writes cannot run out of space.
  virtual Result<> allocate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
};

// Held while it lives.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct DirectoryEntry {
  std::string name;
  std::uint64_t size = 0;
};

struct VolumeSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  // for an unprivileged user
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> create(const std::string& path) = 0;  // must not exist; mode 0600
  virtual Result<std::unique_ptr<File>> open(const std::string& path) = 0;    // reads and writes
  virtual Result<std::unique_ptr<File>> open_to_read(const std::string& path) = 0;
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;  // within one directory
  virtual Result<> unlink(const std::string& path) = 0;
  virtual Result<> make_directory(const std::string& path) = 0;  // it may exist already; mode 0700
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& directory) = 0;  // regular files
  virtual Result<> sync_directory(const std::string& directory) = 0;
  virtual Result<VolumeSpace> space(const std::string& directory) = 0;
  // One holder among all processes. Errc::exists names the process that has it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

// Reads exactly `size` bytes; Errc::corrupt when the file ends before.
Result<std::string> read_exactly(File& file, std::uint64_t offset, std::size_t size);
// Writes one piece.
Result<> write_bytes(File& file, std::string_view bytes, std::uint64_t offset);

}  // namespace waypost::spool
