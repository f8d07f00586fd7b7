#include "tables/braces.h"

#include <algorithm>

#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr bool is_separator(char c) { return c == ',' || is_space(c); }

}  // namespace

std::size_t balanced_length(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && depth > 0) --depth;
    if (depth == 0) return i == 0 ? 0 : i + 1;
  }
  return 0;
}

std::optional<std::string_view> strip_braces(std::string_view text) {
  if (text.empty() || balanced_length(text) != text.size()) return std::nullopt;
  return trim(text.substr(1, text.size() - 2));
}

std::optional<std::string_view> next_word(std::string_view& text) {
  while (!text.empty() && is_separator(text.front())) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  std::size_t depth = 0, end = 0;
  for (; end < text.size() && (depth > 0 || !is_separator(text[end])); ++end) {
    if (text[end] == '{') ++depth;
    if (text[end] == '}' && depth > 0) --depth;
  }
  const auto word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

}  // namespace waypost::tables
