#include "config/values.h"

#include <algorithm>

#include "base/text.h"

namespace waypost::config {

std::optional<bool> parse_flag(std::string_view text) {
  if (iequals(text, "yes")) return true;
  if (iequals(text, "no")) return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto digits = parse_number(negative ? text.substr(1) : text, INT64_MAX);
  if (!digits) return std::nullopt;
  const auto value = static_cast<std::int64_t>(*digits);
  return negative ? -value : value;
}

namespace {

std::optional<std::int64_t> seconds_of(char unit) {
  switch (ascii_lower(unit)) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 7 * 86400;
    default:
      return std::nullopt;
  }
}

std::vector<std::string> split_outside_braces(std::string_view text, std::string_view separators) {
  std::vector<std::string> words;
  std::string word;
  int depth = 0;
  for (const char c : text) {
    if (depth == 0 && separators.find(c) != std::string_view::npos) {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
      continue;
    }
    if (c == '{') ++depth;
    if (c == '}' && depth > 0) --depth;
    word += c;
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

}  // namespace

std::optional<std::chrono::seconds> parse_duration(std::string_view text, char default_unit) {
  char unit = default_unit;
  if (!text.empty() && is_alpha(text.back())) {
    unit = text.back();
    text.remove_suffix(1);
  }
  const auto scale = seconds_of(unit);
  if (!scale) return std::nullopt;
  const auto count = parse_number(text, static_cast<std::uint64_t>(INT32_MAX / *scale));
  if (!count) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(*count) * *scale);
}

char default_time_unit(std::string_view default_value) {
  const auto letter = std::ranges::find_if(default_value, is_alpha);
  return letter != default_value.end() && seconds_of(*letter) ? *letter : 's';
}

std::vector<std::string> split_list(std::string_view text) { return split_outside_braces(text, ", \t\r\n"); }
std::vector<std::string> split_words(std::string_view text) { return split_outside_braces(text, " \t\r\n"); }

std::optional<std::string_view> braced(std::string_view text) {
  if (!text.starts_with('{')) return std::nullopt;
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && --depth == 0) {
      if (at + 1 != text.size()) return std::nullopt;
      return trim(text.substr(1, text.size() - 2));
    }
  }
  return std::nullopt;
}

}  // namespace waypost::config
