// What a pattern list consists of, as it was read. `/file` is an item too: it holds the items of that file, and follows
// it as long as the list lives.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "tables/cidr.h"
#include "tables/followed_files.h"
#include "tables/table.h"

namespace waypost::tables {

// Where the items of one list come from.
struct MatchSource {
  using OpenTable = std::function<std::shared_ptr<const Table>(std::string_view type_name)>;

  std::string parameter;  // the list's name in messages
  // Opens the tables that the list itself names, and those that its files name: these later too, from any thread.
  OpenTable open, open_in_file;
  Log log;
  const Clock& clock;
  bool follows_files = true;                // false: they are read once
  mutable std::atomic<int> open_files = 0;  // of the list and of its files
};

// An item that cannot match: asking it is a failure.
struct BrokenItem {
  std::string reason;
  bool is_network = false;  // fails for addresses of its family only, as a string it is compared
};

class ListFile;

struct MatchItem {
  bool match = true;  // false: "!item"
  std::string text;   // folded to lower case
  std::variant<std::monostate, Cidr, std::shared_ptr<const Table>, std::shared_ptr<const ListFile>, BrokenItem> what;
};

class MatchItems final : public FollowedContent {
 public:
  static constexpr std::size_t kMaxItems = 1'000'000;
  static constexpr int kMaxFileDepth = 20, kMaxFiles = 1'000;

  static std::shared_ptr<const MatchItems> parse(std::string_view text, std::shared_ptr<const MatchSource> source);

  const std::vector<MatchItem>& items() const { return items_; }
  // What is wrong with them, in their files too.
  std::vector<std::string> problems() const;

 private:
  friend class ListFile;
  class Parser;

  std::vector<MatchItem> items_;
  std::vector<std::string> own_problems_;
};

// A file of a list, and what it holds at the moment.
class ListFile {
 public:
  ListFile(std::string path, std::shared_ptr<const MatchSource> source, int depth);
  ListFile(const ListFile&) = delete;
  ListFile& operator=(const ListFile&) = delete;
  ~ListFile() { --source_->open_files; }

  // Null before the file could be read; then problem() says why.
  std::shared_ptr<const MatchItems> items() const;
  std::string problem() const;

 private:
  std::shared_ptr<const MatchSource> source_;
  FollowedFiles files_;
};

}  // namespace waypost::tables
