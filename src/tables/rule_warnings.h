// Where the parser of a rule table puts what it does not like, in Postfix's words.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace waypost::tables {

struct RuleWarnings {
  std::string_view type;  // "regexp"
  std::string_view path;  // the file, or the inline text
  int line = 0;           // of the rule that is being read
  std::vector<std::string>& texts;

  // "regexp map FILE, line N: TEXT"
  void here(std::string_view text) { texts.push_back(place(line) + std::string(text)); }
  std::string place(int at_line) const { return fmt::format("{} map {}, line {}: ", type, path, at_line); }
};

}  // namespace waypost::tables
