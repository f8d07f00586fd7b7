// Content lines that are longer than a server may take (RFC 5321 §4.5.3.1.6: 998 bytes), broken as Postfix breaks them:
// after `limit` bytes a line end, and a blank that counts in the next line (smtp_line_length_limit). Content in chunks
// of any size; pure; one message an object.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace waypost::smtp {

// Does any line of `content` have more than `limit` bytes, its line end not counted? Looks at few of the bytes.
bool has_long_line(std::string_view content, std::size_t limit);

class LineFolder {
 public:
  // A limit below 2 leaves no room beside the blank and counts as 2.
  explicit LineFolder(std::size_t limit) : limit_(limit < 2 ? 2 : limit) {}
  void fold(std::string_view content, std::string& out);
  // The content is over.
  void finish(std::string& out);
  // Some line was too long.
  bool folded() const { return folded_; }

 private:
  void add(std::string_view text, std::string& out);

  const std::size_t limit_;
  std::size_t column_ = 0;
  bool folded_ = false;
  bool held_cr_ = false;  // the last byte was a CR that may belong to a line end
};

}  // namespace waypost::smtp
