// A table whose content comes from files and follows them.
//
// At most once a second a lookup compares the files' stamps with those of the content in service. When they differ and
// the files have come to rest (not modified within the last second: a writer may still be at it), the content is read
// anew and swapped in whole. A reading that fails, or during which a file changed, leaves the old content in service
// and one line in the log. Before there is any content, lookups answer Errc::unavailable.
// Any thread may look up. The one whose lookup finds a small file changed reads it; a large one is read by a thread of
// the table's own, so that no session waits. Meanwhile all go on with the old content.
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
#include "tables/table.h"

namespace waypost::tables {

// What a table has in memory at one time. Immutable.
class Content {
 public:
  virtual ~Content() = default;
  virtual Lookup find(std::string_view key) const = 0;
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
  std::shared_ptr<const Content> content;
  std::vector<std::string> warnings;  // for the log, each time it is read
  std::string notice;                 // for the log, once for each different text
};

struct FileTableSpec {
  std::string name;  // "hash:/etc/postfix/x"
  KeyStyle key_style = KeyStyle::indexed;
  std::vector<std::string> files;        // whose stamps decide
  std::function<Result<Loaded>()> load;  // blocking; the error's text is the reason: "open database X: ..."
};

class FileTable final : public Table {
 public:
  static constexpr std::chrono::seconds kCheckInterval{1};
  static constexpr std::chrono::seconds kRestTime{1};
  static constexpr std::int64_t kMaxInlineBytes = 256 << 10;  // a few milliseconds

  // Reads the files at once. `clock` must outlive the table.
  FileTable(FileTableSpec spec, Log log, const Clock& clock);

  const std::string& name() const override { return spec_.name; }
  KeyStyle key_style() const override { return spec_.key_style; }
  Lookup find(std::string_view key) const override;
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
  Lookup unavailable() const;
  std::shared_ptr<const Content> content() const;

  FileTableSpec spec_;
  Log log_;
  const Clock& clock_;
  mutable std::atomic<std::int64_t> next_check_ns_{0};
  // True while somebody compares or reads the files; the three that follow are his.
  mutable std::atomic<bool> is_reading_{false};
  mutable std::vector<FileStamp> loaded_stamps_, failed_stamps_;
  mutable std::string notice_;
  mutable std::mutex mutex_;  // guards what follows; held for a copy only
  mutable std::shared_ptr<const Content> content_;
  mutable std::string problem_;
  mutable bool told_unavailable_ = false;
  mutable std::jthread reader_;  // last: it ends before what it works on
};

}  // namespace waypost::tables
