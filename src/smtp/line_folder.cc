#include "smtp/line_folder.h"

#include <utility>

namespace waypost::smtp {

bool has_long_line(std::string_view content, std::size_t limit) {
  constexpr std::size_t kLineEnd = 2;
  while (content.size() > limit) {
    // The farthest line end that a line of `limit` bytes may have: with ordinary lines one look skips a dozen of them.
    const auto line_feed = content.substr(0, limit + kLineEnd).rfind('\n');
    if (line_feed == std::string_view::npos) return true;  // a CR without LF is a byte of the line
    const bool reaches_over = line_feed > limit && content[line_feed - 1] != '\r';
    if (reaches_over && content.rfind('\n', line_feed - 1) == std::string_view::npos) return true;
    content.remove_prefix(line_feed + 1);
  }
  return false;
}

void LineFolder::add(std::string_view text, std::string& out) {
  while (column_ + text.size() > limit_) {
    const auto room = limit_ - column_;
    out.append(text.substr(0, room)).append("\r\n ");
    text.remove_prefix(room);
    column_ = 1;
    folded_ = true;
  }
  out += text;
  column_ += text.size();
}

void LineFolder::fold(std::string_view content, std::string& out) {
  if (held_cr_ && !content.empty()) {
    held_cr_ = false;
    if (content.front() == '\n') {
      out += '\r';
    } else {
      add("\r", out);
    }
  }
  while (!content.empty()) {
    const auto line_feed = content.find('\n');
    auto text = content.substr(0, line_feed);
    const bool has_cr = text.ends_with('\r');
    if (has_cr) text.remove_suffix(1);
    add(text, out);
    if (line_feed == std::string_view::npos) {
      held_cr_ = has_cr;
      return;
    }
    out.append(has_cr ? "\r\n" : "\n");
    column_ = 0;
    content.remove_prefix(line_feed + 1);
  }
}

void LineFolder::finish(std::string& out) {
  if (std::exchange(held_cr_, false)) add("\r", out);
}

}  // namespace waypost::smtp
