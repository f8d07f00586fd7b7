// What is wrong or noteworthy in a configuration, with the place where it stands. Collected, never thrown: one run
// over the files names everything an operator has to change.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/finding_kind.h"

namespace waypost::config {

struct Finding {
  Severity severity = Severity::warning;
  std::string file;  // empty: not about a file
  int line = 0;      // 1-based; 0: not about one line
  std::string text;  // without the place
  FindingCode code = FindingCode::other;
  std::string remedy = {};  // for this very case; empty: that of its kind

  bool operator==(const Finding&) const = default;
};

using Findings = std::vector<Finding>;

// With the severity that the code usually has.
Finding make_finding(FindingCode code, std::string file, int line, std::string text, std::string remedy = {});

// What to do about it: its own remedy or that of its kind; may be empty.
std::string_view remedy_of(const Finding& finding);
// "FILE, line N: TEXT", "FILE: TEXT" or "TEXT", as Postfix writes it: a text that ends in the file stands alone.
std::string describe(const Finding& finding);
// The same for people who want to act on it: "FILE, line N: TEXT -- REMEDY [CODE]".
std::string describe_fully(const Finding& finding);
// One JSON object: {"code": ..., "severity": ..., "file": ..., "line": ..., "text": ..., "remedy": ...}. file and line
// are null when the finding is not about one.
std::string to_json(const Finding& finding);
bool has_errors(const Findings& findings);
// Keeps the first of findings that say the same about the same place.
void remove_repeated(Findings& findings);
// By file and line, those without a file last; otherwise the order stays.
void sort_by_place(Findings& findings);

// Text inside a JSON string, without the quotes around it. What is not printable ASCII becomes '?'.
std::string json_escaped(std::string_view text);

}  // namespace waypost::config
