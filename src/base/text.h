// Text as mail protocols need it: ASCII only, locale-free, no allocation where none is needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waypost {

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
std::string_view trim(std::string_view text);
std::string_view trim_left(std::string_view text);
std::string_view trim_right(std::string_view text);

// Words between any of `separators`; empty words are dropped.
std::vector<std::string_view> split(std::string_view text, std::string_view separators);

// Decimal digits only, no sign, no blanks; nullopt when empty, malformed or above `max`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max = UINT64_MAX);
// Hexadecimal digits of either case, no prefix.
std::optional<std::uint64_t> parse_hex(std::string_view text);

// RFC 4648 §4 with padding; decode refuses anything but one well-formed run of groups.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

// As Postfix prints what it was given: control and non-ASCII bytes become '?'. At most `limit` characters.
std::string printable(std::string_view text, std::size_t limit = 4096);

// "1h", "300s", ...: see config for parameter times; this is errno as text, thread-safe.
std::string errno_text(int error);

}  // namespace waypost
