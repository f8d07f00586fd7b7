// A table whose content comes from files and follows them (followed_files.h). Before there is any content, lookups
// answer Errc::unavailable; the reason is logged at the first. Any thread may look up.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "tables/followed_files.h"
#include "tables/table.h"

namespace waypost::tables {

// What a table has in memory at one time. Immutable.
class Content : public FollowedContent {
 public:
  virtual Lookup find(std::string_view key) const = 0;
};

struct FileTableSpec {
  std::string name;  // "hash:/etc/postfix/x"
  KeyStyle key_style = KeyStyle::indexed;
  std::vector<std::string> files;        // whose stamps decide
  std::function<Result<Loaded>()> load;  // a Content; as in FollowedFilesSpec
};

class FileTable final : public Table {
 public:
  // Reads the files at once. `clock` must outlive the table.
  FileTable(FileTableSpec spec, Log log, const Clock& clock);

  const std::string& name() const override { return files_.name(); }
  KeyStyle key_style() const override { return key_style_; }
  Lookup find(std::string_view key) const override;
  // Why there is no content; empty when there is.
  std::string problem() const { return files_.problem(); }

 private:
  Lookup unavailable() const;

  FollowedFiles files_;
  KeyStyle key_style_;
  Log log_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::string told_problem_;
};

}  // namespace waypost::tables
