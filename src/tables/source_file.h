// The text that tables are made from: logical lines, and "key whitespace value" rows, as postmap(1) reads them.
//
// A logical line starts with a non-blank; lines that start with a blank continue it. Empty lines and lines whose first
// non-blank is '#' vanish, also inside a logical line. Warnings carry FILE, line N in Postfix's words and never stop
// the reading. Pure; any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::tables {

struct LogicalLine {
  std::string_view text;  // valid until the next call
  int number = 0;         // of its first physical line
};

class LogicalLines {
 public:
  // `content` and `path` must outlive the reader; `path` is for the warnings.
  LogicalLines(std::string_view content, std::string_view path, std::vector<std::string>& warnings)
      : rest_(content), path_(path), warnings_(warnings) {}

  // False at the end.
  bool next(LogicalLine& line);

 private:
  struct Physical {
    std::string_view text;
    bool blank = false;  // empty or a comment
  };
  bool take_physical(Physical& line);
  bool continues() const;
  bool collect(LogicalLine& line);

  std::string_view rest_;
  std::string_view path_;
  std::vector<std::string>& warnings_;
  std::string joined_;
  int number_ = 0;
};

struct Row {
  std::string_view key;  // as written: quotes and backslashes stay
  std::string_view value;
  int line = 0;
};

struct RowOptions {
  std::string_view ignored = "";  // what the reader adds to a warning about a line it skips: " -- ignoring this line"
  bool utf8 = false;              // skip lines that are not UTF-8
};

// Calls `on_row` for each good row in order. A row that returns false from it ends the reading.
void for_each_row(std::string_view content, std::string_view path, const RowOptions& options,
                  std::vector<std::string>& warnings, const std::function<bool(const Row&)>& on_row);

bool is_utf8(std::string_view text);

}  // namespace waypost::tables
