#include "smtp_sink/content.h"

#include <algorithm>

#include "common/text.h"

namespace waypost::bench {

void ContentReader::begin(bool keep_all) {
  keep_all_ = keep_all;
  ended_ = head_done_ = false;
  at_ = At::line_start;
  wire_bytes_ = 0;
  head_.clear();
  all_.clear();
}

std::size_t ContentReader::take(std::string_view bytes) {
  const std::size_t used = find_end(bytes);
  bytes = bytes.substr(0, used);
  wire_bytes_ += used;
  if (keep_all_) all_ += bytes;
  if (!head_done_) {
    const std::size_t from = head_.size() > 3 ? head_.size() - 3 : 0;
    head_ += bytes.substr(0, kHeadLimit - head_.size());
    const std::size_t end = head_.find("\r\n\r\n", from);
    if (end != std::string::npos) head_.resize(end + 2);
    head_done_ = end != std::string::npos || head_.size() >= kHeadLimit;
  }
  return used;
}

// Only <CR><LF>.<CR><LF> ends the data (RFC 5321 §4.1.1.4).
std::size_t ContentReader::find_end(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    if (at_ == At::inside_line) {
      const std::size_t newline = bytes.find('\n', i);
      if (newline == std::string_view::npos) {
        at_ = bytes.back() == '\r' ? At::after_cr : At::inside_line;
        return bytes.size();
      }
      at_ = newline > i && bytes[newline - 1] == '\r' ? At::line_start : At::inside_line;
      i = newline + 1;
      continue;
    }
    const char c = bytes[i++];
    if (at_ == At::after_dot_cr && c == '\n') {
      ended_ = true;
      return i;
    }
    switch (at_) {
      case At::after_cr:
        at_ = c == '\n' ? At::line_start : c == '\r' ? At::after_cr : At::inside_line;
        break;
      case At::line_start:
        at_ = c == '.' ? At::after_dot : c == '\r' ? At::after_cr : At::inside_line;
        break;
      case At::after_dot:
        at_ = c == '\r' ? At::after_dot_cr : At::inside_line;
        break;
      default:
        at_ = c == '\r' ? At::after_cr : At::inside_line;
        break;
    }
  }
  return i;
}

std::string_view ContentReader::field(std::string_view name) const {
  std::string_view rest = head_;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    std::string_view line = rest.substr(0, end);
    if (line.size() > name.size() && line[name.size()] == ':' && starts_with_nocase(line, name)) {
      line.remove_prefix(name.size() + 1);
      while (line.starts_with(' ')) line.remove_prefix(1);
      return line;
    }
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return {};
}

std::string ContentReader::unstuffed() const {
  std::string out;
  std::string_view rest = all_;
  if (rest.ends_with(".\r\n")) rest.remove_suffix(3);
  out.reserve(rest.size());
  while (!rest.empty()) {
    if (rest.front() == '.') rest.remove_prefix(1);
    const std::size_t end = rest.find("\r\n");
    const std::size_t length = end == std::string_view::npos ? rest.size() : end + 2;
    out += rest.substr(0, length);
    rest.remove_prefix(length);
  }
  return out;
}

}  // namespace waypost::bench
