#include "config/logical_line.h"

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::config {

std::string LogicalLine::text() const {
  std::string joined;
  for (const Piece& piece : pieces) joined += piece.text;
  joined.resize(trim_right(joined).size());
  return joined;
}

std::vector<LogicalLine> read_logical_lines(std::string_view text, const std::string& file, Findings& findings) {
  std::vector<LogicalLine> lines;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    const std::string_view content = trim(line);
    if (content.empty() || content.front() == '#') continue;
    const Piece piece{line, number};
    if (!is_space(line.front())) {
      lines.push_back({{piece}});
    } else if (lines.empty()) {
      findings.push_back({Severity::warning, file, number,
                          fmt::format("logical line must not start with whitespace: \"{}\"", printable(line))});
    } else {
      lines.back().pieces.push_back(piece);
    }
  }
  return lines;
}

}  // namespace waypost::config
