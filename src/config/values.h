// The small grammars inside parameter values. Pure; the errors are the caller's to word.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::config {

// yes or no, in any case.
std::optional<bool> parse_flag(std::string_view text);
// Decimal with an optional sign, no blanks.
std::optional<std::int64_t> parse_integer(std::string_view text);
// One number and at most one unit of s m h d w; a bare number has `default_unit`. Negative values are malformed.
std::optional<std::chrono::seconds> parse_duration(std::string_view text, char default_unit = 's');
// The unit that a bare number has, given an expanded default such as "5d": its first letter; 's' without one.
char default_time_unit(std::string_view default_value);

// Words between commas and blanks; a {} group holds its blanks and commas and keeps its braces.
std::vector<std::string> split_list(std::string_view text);
// The same between blanks only.
std::vector<std::string> split_words(std::string_view text);
// "{ text }" -> "text" with the blanks inside the braces dropped; nullopt when it is not one closed group.
std::optional<std::string_view> braced(std::string_view text);

}  // namespace waypost::config
