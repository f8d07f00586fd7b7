#include "tables/inline_rules.h"

#include <fmt/format.h>

#include "base/text.h"
#include "tables/braces.h"

namespace waypost::tables {
namespace {

// What is between the braces of "{text}".
Result<std::string_view> inside_braces(std::string_view type, std::string_view text) {
  if (!text.starts_with('{')) {
    return fail(Errc::invalid, fmt::format("{} map: no '{{' at start of text in \"{}\"", type, text));
  }
  const std::size_t length = balanced_length(text);
  if (length == 0) return fail(Errc::invalid, fmt::format("{} map: missing '}}' in \"{}\"", type, text));
  if (length != text.size()) {
    return fail(Errc::invalid, fmt::format("{} map: syntax error after '}}' in \"{}\"", type, text));
  }
  return text.substr(1, length - 2);
}

}  // namespace

Result<std::string> inline_rules(std::string_view type, std::string_view argument) {
  auto rest = inside_braces(type, argument);
  if (!rest) return std::unexpected(rest.error());
  std::string text;
  while (const auto word = next_word(*rest)) {
    const auto rule = inside_braces(type, *word);
    if (!rule) return std::unexpected(rule.error());
    text.append(trim(*rule)).push_back('\n');
  }
  return text;
}

}  // namespace waypost::tables
