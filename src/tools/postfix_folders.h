// The queue folders of a Postfix on disk: what stands in them, reading a file, moving it aside.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/result.h"
#include "postfix_queue/record.h"

namespace waypost::tools {

inline constexpr int kMaxHashDepth = 16;                            // of subfolders of one letter
inline constexpr std::size_t kMaxLogBytes = std::size_t{64} << 20;  // of a defer or bounce log that is read

struct QueueEntry {
  std::string queue;   // deferred
  std::string name;    // B23C5606
  std::string folder;  // deferred/B/
  std::string path() const { return folder + name; }
};

// An open queue file. Errors of the operating system are Errc::io.
class QueueFileSource final : public postfix_queue::ByteSource {
 public:
  // Only a plain file: who can write into a folder must not lead elsewhere.
  static Result<QueueFileSource> open(const std::string& path);

  std::uint64_t size() const override { return static_cast<std::uint64_t>(status_.st_size); }
  Result<std::string> read(std::uint64_t offset, std::size_t limit) const override;
  const struct stat& status() const { return status_; }
  // Complete: Postfix's own mark, which a file gets when the last byte of it is on disk.
  bool ready() const { return (status_.st_mode & S_IRWXU) == S_IRWXU; }
  bool forced_to_expire() const { return (status_.st_mode & S_IXGRP) != 0; }
  WallTime modified() const;

 private:
  QueueFileSource(Descriptor file, const struct stat& status) : file_(std::move(file)), status_(status) {}
  Descriptor file_;
  struct stat status_;
};

class PostfixFolders {
 public:
  explicit PostfixFolders(std::string root) : root_(std::move(root)) {}

  // Every queue file of `queue`, a folder at a time; a folder that is not there has none. Ends early with each's error.
  Result<> for_each(const std::string& queue, const std::function<Result<>(const QueueEntry&)>& each) const;
  // The log of that kind (defer, bounce, trace) beside a queue file; empty when there is none that can be read.
  std::string log(std::string_view kind, const std::string& name) const;
  // A file of that name in that queue or log folder, hashed or not: relative; empty when it is not there.
  std::string find(std::string_view folder, const std::string& name) const;
  // To the same place below `root`/`aside`, folders made on the way. The file's logs go with it.
  Result<> move_aside(const QueueEntry& entry, const std::string& aside) const;
  // Whoever owns the queue: $mail_owner of the Postfix.
  std::optional<uid_t> owner() const;
  const std::string& root() const { return root_; }

 private:
  Result<> walk(const std::string& queue, const std::string& folder, int depth,
                const std::function<Result<>(const QueueEntry&)>& each) const;
  Result<> move(const std::string& path, const std::string& aside) const;

  const std::string root_;
};

struct FolderOwner {
  uid_t uid = 0;
  gid_t gid = 0;
};
// Makes `root`/`relative` and what is missing above it, mode 0700.
Result<> make_folders(const std::string& root, const std::string& relative, std::optional<FolderOwner> owner = {});
// Makes renames in this folder survive a crash. Errc::io: they may not.
Result<> sync_folder(const std::string& path);

}  // namespace waypost::tools
