// Logical lines, the layer under main.cf, master.cf and all text tables: a line that starts with a blank continues the
// one before; empty lines and lines whose first non-blank is '#' do not count, not even inside a continued line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/finding.h"

namespace waypost::config {

// One physical line without its line feed. Views into the text that was read.
struct Piece {
  std::string_view text;
  int line = 0;  // 1-based
};

// Nothing behind a null byte counts: Postfix reads C strings.
std::string_view before_null(std::string_view text);

struct LogicalLine {
  std::vector<Piece> pieces;  // never empty

  int line() const { return pieces.front().line; }
  // The pieces one after the other, blanks kept.
  std::string text() const;
};

// A continuation line with nothing to continue is left out with a warning. `file` names the place in findings.
std::vector<LogicalLine> read_logical_lines(std::string_view text, const std::string& file, Findings& findings);

}  // namespace waypost::config
