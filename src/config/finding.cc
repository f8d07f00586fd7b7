#include "config/finding.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::config {

Finding make_finding(FindingCode code, std::string file, int line, std::string text, std::string remedy) {
  return {kind_of(code).usual, std::move(file), line, std::move(text), code, std::move(remedy)};
}

std::string_view remedy_of(const Finding& finding) {
  return finding.remedy.empty() ? kind_of(finding.code).remedy : std::string_view(finding.remedy);
}

std::string describe(const Finding& finding) {
  const bool names_file = finding.line == 0 && finding.text.ends_with(finding.file);
  if (finding.file.empty() || names_file) return finding.text;
  if (finding.line == 0) return fmt::format("{}: {}", finding.file, finding.text);
  return fmt::format("{}, line {}: {}", finding.file, finding.line, finding.text);
}

std::string describe_fully(const Finding& finding) {
  const std::string_view remedy = remedy_of(finding);
  return fmt::format("{}{}{} [{}]", describe(finding), remedy.empty() ? "" : " -- ", remedy,
                     kind_of(finding.code).name);
}

std::string json_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      // Configurations are ASCII nearly always; what is not would need checking to be valid JSON.
      out += c >= ' ' && c <= '~' ? c : '?';
    }
  }
  return out;
}

std::string to_json(const Finding& finding) {
  const auto quoted = [](std::string_view text) { return fmt::format("\"{}\"", json_escaped(text)); };
  return fmt::format(
      R"({{"code": "{}", "severity": "{}", "file": {}, "line": {}, "text": {}, "remedy": {}}})",
      kind_of(finding.code).name, to_text(finding.severity), finding.file.empty() ? "null" : quoted(finding.file),
      finding.line == 0 ? "null" : fmt::format("{}", finding.line), quoted(finding.text), quoted(remedy_of(finding)));
}

bool has_errors(const Findings& findings) {
  return std::ranges::any_of(findings, [](const Finding& f) { return f.severity == Severity::error; });
}

void remove_repeated(Findings& findings) {
  std::set<std::tuple<std::string, int, std::string>> known;
  std::erase_if(findings, [&](const Finding& f) { return !known.insert(std::tuple(f.file, f.line, f.text)).second; });
}

void sort_by_place(Findings& findings) {
  // A multimap keeps the order of equal keys.
  std::multimap<std::tuple<bool, std::string, int>, Finding> sorted;
  for (Finding& finding : findings) {
    sorted.emplace(std::tuple(finding.file.empty(), finding.file, finding.line), std::move(finding));
  }
  findings.clear();
  for (auto& [_, finding] : sorted) findings.push_back(std::move(finding));
}

}  // namespace waypost::config
