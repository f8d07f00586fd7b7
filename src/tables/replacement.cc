#include "tables/replacement.h"

#include <algorithm>

#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr bool is_name_char(char c) { return is_alnum(c) || c == '_'; }

// Takes the name behind a '$' off `text`: "1", "{1}" or "(1)". nullopt when its bracket is never closed.
std::optional<std::string_view> take_name(std::string_view& text) {
  const char open = text.empty() ? '\0' : text.front();
  if (open != '{' && open != '(') {
    const auto end = static_cast<std::size_t>(std::ranges::find_if_not(text, is_name_char) - text.begin());
    const auto name = text.substr(0, end);
    text.remove_prefix(end);
    return name;
  }
  const char close = open == '{' ? '}' : ')';
  std::size_t depth = 1, end = 1;
  for (; end < text.size() && depth > 0; ++end) {
    if (text[end] == open) ++depth;
    if (text[end] == close) --depth;
  }
  if (depth > 0) return std::nullopt;
  const auto name = text.substr(1, end - 2);
  text.remove_prefix(end);
  return name;
}

// 0 when the name is no index; then `warnings` says so.
std::uint32_t index_of(std::string_view name, std::string_view zero_text, RuleWarnings& warnings) {
  if (!std::ranges::all_of(name, is_digit)) {
    warnings.here(fmt::format("non-numeric replacement index \"{}\"", name));
    return 0;
  }
  const auto index = parse_number(name, Replacement::kMaxIndex);
  if (!index || *index == 0) {
    warnings.here(fmt::format("{} replacement index \"{}\"", zero_text, name));
    return 0;
  }
  return static_cast<std::uint32_t>(*index);
}

}  // namespace

std::optional<Replacement> Replacement::parse(std::string_view text, std::string_view zero_text,
                                              RuleWarnings& warnings) {
  Replacement parsed;
  std::string literal;
  bool is_good = true;
  for (std::string_view rest = text; !rest.empty();) {
    if (rest.front() != '$' || rest.starts_with("$$")) {
      literal += rest.front();
      rest.remove_prefix(rest.front() == '$' ? 2 : 1);
      continue;
    }
    rest.remove_prefix(1);
    const auto name = take_name(rest);
    if (!name || name->empty()) {
      warnings.texts.push_back(
          fmt::format("{}: \"{}\"", name ? "empty macro name" : "truncated macro reference", text));
      return std::nullopt;
    }
    const auto index = index_of(*name, zero_text, warnings);
    is_good = is_good && index != 0;
    parsed.max_index_ = std::max(parsed.max_index_, index);
    parsed.pieces_.push_back({std::move(literal), index});
    literal.clear();
  }
  if (!literal.empty()) parsed.pieces_.push_back({std::move(literal), 0});
  if (!is_good) return std::nullopt;
  return parsed;
}

std::string Replacement::expand(std::string_view subject, std::span<const Group> groups) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    text += piece.literal;
    if (piece.index == 0) continue;
    const Group& group = groups[piece.index];
    text += subject.substr(group.begin, group.end - group.begin);
  }
  return text;
}

}  // namespace waypost::tables
