#include "config/finding.h"

#include <algorithm>

#include <fmt/format.h>

namespace waypost::config {

std::string describe(const Finding& finding) {
  if (finding.file.empty()) return finding.text;
  if (finding.line == 0) return fmt::format("{}: {}", finding.file, finding.text);
  return fmt::format("{}, line {}: {}", finding.file, finding.line, finding.text);
}

bool has_errors(const Findings& findings) {
  return std::ranges::any_of(findings, [](const Finding& f) { return f.severity == Severity::error; });
}

}  // namespace waypost::config
