#include "tables/literal_prefix.h"

#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr bool is_literal(char c) { return is_alnum(c) || std::string_view(" -_:@=,;<>/").contains(c); }

// Whether the expression may have an alternative that is not behind the leading '^'. Says yes when in doubt.
bool may_have_alternatives(std::string_view expression) {
  if (!expression.contains('|')) return false;
  // What brackets, backslashes and "(?" do to the meaning of parentheses is not worth knowing here.
  if (expression.find_first_of("[\\") != std::string_view::npos || expression.contains("(?")) return true;
  int depth = 0;
  for (const char c : expression) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (depth < 0 || (c == '|' && depth == 0)) return true;
  }
  return depth != 0;
}

}  // namespace

std::string literal_prefix(std::string_view expression) {
  if (!expression.starts_with('^') || may_have_alternatives(expression)) return "";
  std::string_view rest = expression.substr(1);
  std::size_t length = 0;
  while (length < rest.size() && is_literal(rest[length])) ++length;
  // What follows the last character may be about it, such as a '*'; these are not.
  const bool stands_alone = length == rest.size() || std::string_view(".[$").contains(rest[length]);
  if (!stands_alone && length > 0) --length;
  return std::string(rest.substr(0, length));
}

}  // namespace waypost::tables
