// What is wrong or noteworthy in a configuration, with the place where it stands. Collected, never thrown: one run
// over the files names everything an operator has to change.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace waypost::config {

enum class Severity : unsigned char {
  info,     // worth knowing, nothing to do
  warning,  // probably not what was meant; Waypost runs
  error,    // Waypost refuses this configuration
};

struct Finding {
  Severity severity = Severity::warning;
  std::string file;  // empty: not about a file
  int line = 0;      // 1-based; 0: not about one line
  std::string text;  // without the place
};

using Findings = std::vector<Finding>;

// "FILE, line N: TEXT", "FILE: TEXT" or "TEXT", as Postfix writes it.
std::string describe(const Finding& finding);
bool has_errors(const Findings& findings);

}  // namespace waypost::config
