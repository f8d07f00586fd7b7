// What the lines of rule tables (regexp:, pcre:, cidr:) have in common: "if" and "endif", and "!" before a pattern.
#pragma once

#include <string_view>

#include "base/text.h"

namespace waypost::tables {

// "if", "IF /x/", "if!/x/"; "iffy" is none.
inline bool is_keyword(std::string_view line, std::string_view keyword) {
  return istarts_with(line, keyword) && (line.size() == keyword.size() || !is_alnum(line[keyword.size()]));
}

// Takes "! ! " off the front: true when what remains is negated.
inline bool take_negations(std::string_view& text) {
  bool negated = false;
  for (; !text.empty() && (text.front() == '!' || is_space(text.front())); text.remove_prefix(1)) {
    if (text.front() == '!') negated = !negated;
  }
  return negated;
}

}  // namespace waypost::tables
