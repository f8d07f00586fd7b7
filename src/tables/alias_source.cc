#include "tables/alias_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/text.h"
#include "tables/source_file.h"

namespace waypost::tables {
namespace {

// Characters that are tokens of their own: RFC 822's specials, and the operators of older address forms.
constexpr std::string_view kOperators = "|%!()<>@,;:\\\".[]";

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

enum class TokenKind : std::uint8_t { atom, quoted, comment, domain_literal, special };

struct Token {
  TokenKind kind = TokenKind::atom;
  std::string text;  // of a comment with its parentheses, of the others without quotes or brackets

  bool is(char c) const { return kind == TokenKind::special && text.front() == c; }
};

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : rest_(text) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    while (true) {
      while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
      if (rest_.empty()) return tokens;
      tokens.push_back(next());
    }
  }

 private:
  Token next() {
    const char first = rest_.front();
    if (first == '(') return {TokenKind::comment, take_comment()};
    if (first == '[') return {TokenKind::domain_literal, take_enclosed(']')};
    if (first == '"') return {TokenKind::quoted, take_enclosed('"')};
    if (first != '\\' && kOperators.contains(first)) {
      rest_.remove_prefix(1);
      return {TokenKind::special, std::string(1, first)};
    }
    std::string text = take_while([](char c) { return !is_blank(c) && !kOperators.contains(c); });
    // What a backslash brought in must stay within quotes from now on.
    const bool needs_quotes =
        std::ranges::any_of(text, [](char c) { return c == ' ' || is_control(c) || kOperators.contains(c); });
    return {needs_quotes ? TokenKind::quoted : TokenKind::atom, std::move(text)};
  }

  // Characters as long as `belongs` says so; what follows a backslash always does. Blanks become spaces.
  template <class Belongs>
  std::string take_while(Belongs belongs) {
    std::string text;
    while (!rest_.empty() && (rest_.front() == '\\' || belongs(rest_.front()))) {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) break;
      text += is_blank(rest_.front()) ? ' ' : rest_.front();
      rest_.remove_prefix(1);
    }
    return text;
  }

  std::string take_enclosed(char close) {
    rest_.remove_prefix(1);
    std::string text = take_while([close](char c) { return c != close; });
    if (!rest_.empty()) rest_.remove_prefix(1);
    return text;
  }

  // Comments nest.
  std::string take_comment() {
    std::size_t depth = 0, end = 0;
    do {
      if (rest_[end] == '(') ++depth;
      if (rest_[end] == ')') --depth;
      end += rest_[end] == '\\' ? 2 : 1;
    } while (depth > 0 && end < rest_.size());
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end, rest_.size()));
    return text;
  }

  std::string_view rest_;
};

// Two words next to each other stay two words.
bool needs_space(const Token& token, const Token& next) {
  if (token.is(',') || next.is('<')) return true;
  return token.kind != TokenKind::special && next.kind != TokenKind::special;
}

void append_escaped(std::string& out, std::string_view text, std::string_view escaped) {
  for (const char c : text) {
    if (escaped.contains(c)) out += '\\';
    out += c;
  }
}

// As a mail system handles it inside: without quotes.
std::string internal_form(std::span<const Token> tokens) {
  std::string out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    out += token.kind == TokenKind::domain_literal ? "[" + token.text + "]" : token.text;
    if (i + 1 < tokens.size() && needs_space(token, tokens[i + 1])) out += ' ';
  }
  return out;
}

// As it is written in a message: quoted where it must be.
std::string external_form(std::span<const Token> tokens) {
  std::string out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.is(',')) {
      out += ", ";
      continue;
    }
    if (token.kind == TokenKind::quoted) {
      out += '"';
      append_escaped(out, token.text, "\"\\\r\n");
      out += '"';
    } else if (token.kind == TokenKind::domain_literal) {
      out += '[';
      append_escaped(out, token.text, "\\\r\n");
      out += ']';
    } else {
      out += token.text;
    }
    if (i + 1 < tokens.size() && needs_space(token, tokens[i + 1])) out += ' ';
  }
  return out;
}

// "name: value", or "name:value" where no blank follows, so that the line is no row of another table:
// "smtp.example.com:587 user:password" is one.
bool is_alias_line(std::string_view line) {
  std::size_t end = 0;
  if (line.starts_with('"')) {
    const auto close = line.find('"', 1);
    end = close == std::string_view::npos ? 0 : close + 1;
  } else {
    end = std::min(line.find_first_of(": \t\r\n[]@,/"), line.size());
  }
  const auto colon = line.find_first_not_of(" \t", end);
  if (end == 0 || colon == std::string_view::npos || line[colon] != ':') return false;
  const auto value = trim_right(line.substr(colon + 1));
  return !value.empty() && (is_blank(value.front()) || value.find_first_of(" \t") == std::string_view::npos);
}

}  // namespace

bool is_alias_source(std::string_view content) {
  std::vector<std::string> ignored;
  LogicalLines lines(content, "", ignored);
  LogicalLine line;
  bool any = false;
  while (lines.next(line)) {
    if (!is_alias_line(line.text)) return false;
    any = true;
  }
  return any;
}

void for_each_alias(std::string_view content, std::string_view path, bool utf8, std::vector<std::string>& warnings,
                    const std::function<bool(const AliasRow&)>& on_row) {
  LogicalLines lines(content, path, warnings);
  LogicalLine line;
  while (lines.next(line)) {
    const auto skip = [&](std::string_view why) {
      warnings.push_back(fmt::format("{}, line {}: {}", path, line.number, why));
    };
    if (utf8 && !is_utf8(line.text)) {
      skip(fmt::format("non-UTF-8 input \"{}\" -- ignoring this line", printable(line.text)));
      continue;
    }
    const auto tokens = Tokenizer(line.text).run();
    if (tokens.empty()) continue;
    const auto colon = std::ranges::find_if(tokens, [](const Token& token) { return token.is(':'); });
    const std::span name(tokens.begin(), colon);
    const auto names = [&](char c) { return std::ranges::any_of(name, [c](const Token& t) { return t.is(c); }); };
    if (colon == tokens.end() || name.empty() || colon + 1 == tokens.end() || names(',')) {
      skip("need name:value pair");
      continue;
    }
    if (names('@') || names('%')) {
      skip("name must be local");
      continue;
    }
    if (!on_row({internal_form(name), external_form(std::span(colon + 1, tokens.end())), line.number})) return;
  }
}

}  // namespace waypost::tables
