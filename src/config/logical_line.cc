#include "config/logical_line.h"

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::config {

std::string_view before_null(std::string_view text) { return text.substr(0, text.find('\0')); }

std::string LogicalLine::text() const {
  std::string joined;
  for (const Piece& piece : pieces) joined += piece.text;
  joined.resize(before_null(joined).size());
  return joined;
}

std::vector<LogicalLine> read_logical_lines(std::string_view text, const std::string& file, Findings& findings) {
  std::vector<LogicalLine> lines;
  int number = 0;
  LogicalLine stray;
  const auto report_stray = [&] {
    if (stray.pieces.empty()) return;
    constexpr std::size_t kShown = 30;
    const std::string joined = stray.text();
    findings.push_back(make_finding(FindingCode::leading_blank, file, stray.line(),
                                    fmt::format("logical line must not start with whitespace: \"{}{}\"",
                                                printable(joined, kShown), joined.size() > kShown ? "..." : "")));
    stray.pieces.clear();
  };
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    const std::string_view content = trim(line);
    if (content.empty() || content.front() == '#') continue;
    const Piece piece{line, number};
    if (!is_space(line.front())) {
      report_stray();
      lines.push_back({{piece}});
    } else {
      (lines.empty() ? stray : lines.back()).pieces.push_back(piece);
    }
  }
  report_stray();
  return lines;
}

}  // namespace waypost::config
