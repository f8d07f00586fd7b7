#include "mail/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/text.h"

namespace waypost::mail {
namespace {

// RFC 5322 §3.2.3, and every byte above 127 (RFC 6531 §3.3).
constexpr bool is_atext(char c) {
  return is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

constexpr bool is_control(char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; }

constexpr auto kAtext = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = is_atext(static_cast<char>(i));
  return table;
}();

bool atext(char c) { return kAtext[static_cast<unsigned char>(c)]; }

struct Token {
  enum class Kind : std::uint8_t { word, literal, special };
  Kind kind;
  std::string text;  // unquoted; of a special the character
  bool is(char c) const { return kind == Kind::special && text[0] == c; }
};
using Tokens = std::vector<Token>;

// RFC 822 tokens; blanks and comments separate and are dropped.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) {}

  // nullopt: unbalanced quotes, brackets or comments, or control characters.
  std::optional<Tokens> run() {
    while (!rest_.empty()) {
      if (!take()) return std::nullopt;
    }
    return std::move(tokens_);
  }

 private:
  bool take() {
    const char c = rest_.front();
    if (is_control(c)) return false;
    if (is_space(c)) return rest_.remove_prefix(1), true;
    if (c == '(') return comment();
    if (c == '"') return quoted(Token::Kind::word, '"');
    if (c == '[') return quoted(Token::Kind::literal, ']');
    if (atext(c) || c == '\\') return word();
    tokens_.push_back({Token::Kind::special, std::string(1, c)});
    rest_.remove_prefix(1);
    return true;
  }

  bool word() {
    std::string text;
    while (!rest_.empty() && (atext(rest_.front()) || rest_.front() == '\\')) {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty() || is_control(rest_.front())) return false;
      text += rest_.front();
      rest_.remove_prefix(1);
    }
    tokens_.push_back({Token::Kind::word, std::move(text)});
    return true;
  }

  bool quoted(Token::Kind kind, char end) {
    std::string text;
    for (rest_.remove_prefix(1); !rest_.empty(); rest_.remove_prefix(1)) {
      if (rest_.front() == end) {
        rest_.remove_prefix(1);
        tokens_.push_back({kind, std::move(text)});
        return true;
      }
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty() || is_control(rest_.front())) return false;
      text += rest_.front();
    }
    return false;
  }

  bool comment() {
    int depth = 0;
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      const char c = rest_.front();
      if (c == '(' && ++depth > kMaxCommentDepth) return false;
      if (c == ')' && --depth == 0) return rest_.remove_prefix(1), true;
      if (c == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) return false;
    }
    return false;
  }

  std::string_view rest_;
  Tokens tokens_;
};

using Iterator = Tokens::const_iterator;

// "Name <addr>": only what is between the brackets counts. False: more than one address.
bool narrow_to_brackets(Iterator& begin, Iterator& end) {
  const auto open = std::find_if(begin, end, [](const Token& t) { return t.is('<'); });
  if (open == end) return true;
  const auto close = std::find_if(open, end, [](const Token& t) { return t.is('>'); });
  if (close == end) return false;
  const auto out_of_place = [](const Token& t) {
    return t.is('<') || t.is('>') || t.is(',') || t.is(';') || t.is(':');
  };
  if (std::any_of(begin, open, out_of_place) || std::any_of(close + 1, end, out_of_place)) return false;
  begin = open + 1;
  end = close;
  return true;
}

void drop_source_route(Iterator& begin, Iterator end) {
  if (begin == end || !begin->is('@')) return;
  const auto colon = std::find_if(begin, end, [](const Token& t) { return t.is(':'); });
  if (colon != end) begin = colon + 1;
}

// Words, dots and at-signs in a row; two words must have an operator between them.
std::optional<std::string> join(Iterator begin, Iterator end) {
  std::string out;
  bool after_word = false;
  for (auto token = begin; token != end; ++token) {
    const bool is_word = token->kind != Token::Kind::special;
    if (is_word && after_word) return std::nullopt;
    if (!is_word && !token->is('.') && !token->is('@')) return std::nullopt;
    if (token->kind == Token::Kind::literal) {
      out.append("[").append(token->text).append("]");
    } else {
      out += token->text;
    }
    after_word = is_word;
  }
  return out;
}

bool is_valid_label(std::string_view label, bool utf8) {
  if (label.empty() || label.size() > kMaxLabelBytes || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [utf8](char c) {
    return is_alnum(c) || c == '-' || c == '_' || (utf8 && static_cast<unsigned char>(c) >= 0x80);
  });
}

// RFC 5321 §4.1.3.
bool is_valid_literal(std::string_view text) {
  constexpr std::string_view kIpv6 = "IPv6:";
  const bool v6 = istarts_with(text, kIpv6);
  if (v6) text.remove_prefix(kIpv6.size());
  if (text.find('\0') != std::string_view::npos) return false;  // where inet_pton would stop reading
  in6_addr address{};
  return inet_pton(v6 ? AF_INET6 : AF_INET, std::string(text).c_str(), &address) == 1;
}

bool acceptable(std::string& address, const PathOptions& options) {
  if (address.empty()) return options.allow_null;
  if (address.size() > kMaxAddressBytes || (!options.min_user && address.front() == '-')) return false;
  const auto at = address.rfind('@');
  if (at == std::string::npos) return true;
  if (address.back() == '.') address.pop_back();
  return at > 0 && is_valid_domain(domain_of(address), options);
}

// The one form that nearly every client sends: Dot-string "@" host name.
bool is_plain(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || text.rfind('@') != at || text.back() == ']') return false;
  return !needs_quotes(text.substr(0, at));
}

}  // namespace

std::optional<std::string> parse_path(std::string_view path, PathOptions options) {
  const bool bracketed = path.size() >= 2 && path.front() == '<' && path.back() == '>';
  if (options.strict && (!bracketed || path.find_first_of(" \t(") != std::string_view::npos)) return std::nullopt;
  if (bracketed) path = path.substr(1, path.size() - 2);
  if (is_plain(path)) {
    std::string address(path);
    if (acceptable(address, options)) return address;
  }
  const auto tokens = Lexer(path).run();
  if (!tokens) return std::nullopt;
  Iterator begin = tokens->begin();
  Iterator end = tokens->end();
  if (!narrow_to_brackets(begin, end)) return std::nullopt;
  drop_source_route(begin, end);
  auto address = join(begin, end);
  if (!address || !acceptable(*address, options)) return std::nullopt;
  return address;
}

std::optional<std::string> to_internal(std::string_view external) {
  return parse_path(external, {.allow_null = true, .utf8_domain = true, .numeric_domain = true, .min_user = true});
}

std::string to_external(std::string_view internal) {
  const auto local = local_part(internal);
  if (internal.empty() || !needs_quotes(local)) return std::string(internal);
  std::string out = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return out.append(internal.substr(local.size()));
}

std::string_view local_part(std::string_view address) { return address.substr(0, address.rfind('@')); }

std::string_view domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view{} : address.substr(at + 1);
}

bool needs_quotes(std::string_view local) {
  char before = '.';
  for (const char c : local) {
    if (c == '.' ? before == '.' : !atext(c)) return true;
    before = c;
  }
  return before == '.';
}

bool is_valid_domain(std::string_view domain, const PathOptions& options) {
  if (domain.empty() || domain.size() > kMaxDomainBytes) return false;
  if (domain.front() == '[') {
    return domain.back() == ']' && is_valid_literal(domain.substr(1, domain.size() - 2));
  }
  const bool numeric = std::ranges::all_of(domain, [](char c) { return is_digit(c) || c == '.'; });
  if (numeric && !options.numeric_domain) return false;
  while (true) {
    const auto dot = domain.find('.');
    if (!is_valid_label(domain.substr(0, dot), options.utf8_domain)) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace waypost::mail
