// Content that comes from files and follows them.
//
// At most once a second whoever asks for the content compares the files' stamps with those of the content in service.
// When they differ and the files have come to rest (not modified within the last second: a writer may still be at it),
// the content is read anew and swapped in whole. A reading that fails, or during which a file changed, leaves the old
// content in service and one line in the log.
// Any thread may ask. The one that finds a small file changed reads it; a large one is read by a thread of its own, so
// that no session waits. Meanwhile all go on with the old content.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"

namespace waypost::tables {

// What was read at one time. Immutable.
class FollowedContent {
 public:
  virtual ~FollowedContent() = default;
};

// What tells one state of a file from another.
struct FileStamp {
  bool exists = false;
  dev_t device = 0;
  ino_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
};

FileStamp stamp_of(const std::string& path);

struct Loaded {
  std::shared_ptr<const FollowedContent> content;
  std::vector<std::string> warnings;  // for the log, each time it is read
  std::string notice;                 // for the log, once for each different text
};

struct FollowedFilesSpec {
  std::string name;                      // "hash:/etc/postfix/x", for the log
  std::vector<std::string> files;        // whose stamps decide
  std::function<Result<Loaded>()> load;  // blocking; the error's text is the reason: "open database X: ..."
};

class FollowedFiles {
 public:
  static constexpr std::chrono::seconds kCheckInterval{1};
  static constexpr std::chrono::seconds kRestTime{1};
  static constexpr std::int64_t kMaxInlineBytes = 256 << 10;  // a few milliseconds

  // Reads the files at once. `clock` must outlive the object.
  FollowedFiles(FollowedFilesSpec spec, Log log, const Clock& clock);

  const std::string& name() const { return spec_.name; }
  // What is in service now, the files looked at when that is due; null before there was any.
  std::shared_ptr<const FollowedContent> current() const;
  // Why there is no content; empty when there is.
  std::string problem() const;

 private:
  std::vector<FileStamp> stamps() const;
  bool at_rest(const std::vector<FileStamp>& now) const;
  void check() const;
  void read(std::vector<FileStamp> before) const;
  void read_aside(std::vector<FileStamp> before) const;
  void report(const Loaded& loaded) const;
  void keep_old(const std::string& reason) const;

  FollowedFilesSpec spec_;
  Log log_;
  const Clock& clock_;
  mutable std::atomic<std::int64_t> next_check_ns_{0};
  // True while somebody compares or reads the files; the three that follow are his.
  mutable std::atomic<bool> is_reading_{false};
  mutable std::vector<FileStamp> loaded_stamps_, failed_stamps_;
  mutable std::string notice_;
  mutable std::mutex mutex_;  // guards what follows; held for a copy only
  mutable std::shared_ptr<const FollowedContent> content_;
  mutable std::string problem_;
  mutable std::jthread reader_;  // last: it ends before what it works on
};

}  // namespace waypost::tables
