#include "smtp/dot_encoder.h"

#include "smtp/line_scan.h"

namespace waypost::smtp {

bool is_transparent(std::string_view content) {
  const char* end = content.data() + content.size();
  return find_irregular(content.data(), end, true) == end;
}

std::string_view end_of_data(std::string_view content) {
  return content.empty() || content.ends_with("\r\n") ? ".\r\n" : "\r\n.\r\n";
}

void DotEncoder::encode(std::string_view content, std::string& out) {
  while (!content.empty()) {
    if (state_ == State::cr) {
      const bool line_ends = content.front() == '\n';
      if (line_ends) {
        out.append("\r\n");
      } else {
        out += stray_;
      }
      state_ = line_ends ? State::line_start : State::in_line;
      if (line_ends) content.remove_prefix(1);
      continue;
    }
    const char* stop = find_irregular(content.data(), content.data() + content.size(), state_ == State::line_start);
    const auto regular = static_cast<std::size_t>(stop - content.data());
    if (regular > 0) {
      out.append(content.substr(0, regular));
      state_ = stop[-1] == '\n' ? State::line_start : State::in_line;
      content.remove_prefix(regular);
      continue;
    }
    switch (content.front()) {
      case '\r':
        state_ = State::cr;
        break;
      case '.':
        out.append("..");
        state_ = State::in_line;
        break;
      default:  // a bare LF
        out += ' ';
        state_ = State::in_line;
        break;
    }
    content.remove_prefix(1);
  }
}

void DotEncoder::finish(std::string& out) {
  if (state_ == State::cr) out += stray_;
  out.append(state_ == State::line_start ? ".\r\n" : "\r\n.\r\n");
}

}  // namespace waypost::smtp
