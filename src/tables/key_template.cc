#include "tables/key_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr auto kNone = std::string_view::npos;

std::string_view user_of(std::string_view address) { return address.substr(0, address.rfind('@')); }

// Empty when there is none.
std::string_view domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  return at == kNone ? std::string_view() : address.substr(at + 1);
}

// The labels from the right; nullopt when one of the first `count` is missing or empty.
std::optional<std::vector<std::string_view>> labels_of(std::string_view domain, std::size_t count) {
  std::vector<std::string_view> labels;
  while (labels.size() < count) {
    const auto dot = domain.rfind('.');
    const auto label = dot == kNone ? domain : domain.substr(dot + 1);
    if (label.empty()) return std::nullopt;
    labels.push_back(label);
    domain = dot == kNone ? std::string_view() : domain.substr(0, dot);
  }
  return labels;
}

std::string_view label_of(std::string_view domain, std::size_t number) {
  const auto labels = labels_of(domain, number);
  return labels ? labels->back() : std::string_view();
}

}  // namespace

bool KeyNeeds::met_by(std::string_view key) const {
  if (domain && domain_of(key).empty()) return false;
  if (user && key.starts_with('@') && key.rfind('@') == 0) return false;
  return labels_of(domain_of(key), labels).has_value();
}

void KeyNeeds::add(const KeyNeeds& other) {
  user = user || other.user;
  domain = domain || other.domain;
  labels = std::max(labels, other.labels);
}

Result<KeyTemplate> KeyTemplate::parse(std::string_view text, Use use) {
  KeyTemplate made;
  made.use_ = use;
  made.is_plain_ = text == "%s";
  constexpr std::string_view kExpansions = "sudSUD123456789";
  std::string literal;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      literal += text[i];
      continue;
    }
    ++i;
    if (i < text.size() && text[i] == '%') {
      literal += '%';
      continue;
    }
    if (i >= text.size() || kExpansions.find(text[i]) == kNone) {
      return fail(Errc::invalid, fmt::format("Invalid {} template: {}", use == Use::query ? "query" : "result", text));
    }
    if (!literal.empty()) made.pieces_.push_back({std::exchange(literal, {}), 0});
    made.add_expansion(text[i]);
  }
  if (!literal.empty()) made.pieces_.push_back({std::move(literal), 0});
  return made;
}

void KeyTemplate::add_expansion(char kind) {
  is_dynamic_ = true;
  pieces_.push_back({{}, kind});
  const bool of_value = use_ == Use::result && (kind == 'u' || kind == 'd');
  if (of_value) {
    (kind == 'u' ? value_user_ : value_domain_) = true;
  } else if (kind == 'u' || kind == 'U') {
    needs_.user = true;
  } else if (kind == 'd' || kind == 'D' || is_digit(kind)) {
    needs_.domain = true;
    if (is_digit(kind)) needs_.labels = std::max(needs_.labels, static_cast<std::size_t>(kind - '0'));
  }
}

std::string KeyTemplate::expand(std::string_view value, std::string_view key, const Quote& quote) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case 0:
        out += piece.text;
        break;
      case 's':
        quote(value, out);
        break;
      case 'u':
        quote(user_of(value), out);
        break;
      case 'd':
        quote(domain_of(value), out);
        break;
      case 'S':
        quote(key, out);
        break;
      case 'U':
        quote(user_of(key), out);
        break;
      case 'D':
        quote(domain_of(key), out);
        break;
      default:
        quote(label_of(domain_of(key), static_cast<std::size_t>(piece.kind - '0')), out);
    }
  }
  return out;
}

std::string KeyTemplate::expand_query(std::string_view key, const Quote& quote) const {
  return expand(key, key, quote);
}

std::optional<std::string> KeyTemplate::expand_result(std::string_view value, std::string_view key) const {
  if (value.empty()) return std::nullopt;
  if (value_domain_ && domain_of(value).empty()) return std::nullopt;
  if (value_user_ && value.rfind('@') == 0) return std::nullopt;
  return expand(value, key, [](std::string_view text, std::string& out) { out += text; });
}

std::vector<std::string> unquoted_expansions(std::string_view query) {
  std::vector<std::string> found;
  char quote = 0;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const char c = query[i];
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (c == '%' && i + 1 < query.size()) {
      ++i;
      if (quote != '\'' && query[i] != '%') found.push_back(fmt::format("%{}", query[i]));
    }
  }
  return found;
}

}  // namespace waypost::tables
