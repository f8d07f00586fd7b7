#include "config/expand.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::config {

std::optional<std::uint64_t> parse_level(std::string_view text) {
  constexpr std::uint64_t kMaxPart = 0xFFFF;
  std::uint64_t level = 0;
  std::string_view rest = text;
  for (int part = 0; part < 3; ++part) {
    const std::size_t dot = rest.find('.');
    const auto number = parse_number(rest.substr(0, dot), kMaxPart);
    if (!number) return std::nullopt;
    level |= *number << (16 * (2 - part));
    if (dot == std::string_view::npos) return level;
    rest.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

namespace {

bool is_name_char(char c) { return is_alnum(c) || c == '_'; }

// The length of the bracketed group at the start of `text` including both brackets; npos when it is not closed.
std::size_t group_length(std::string_view text, char open, char close) {
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == open) ++depth;
    if (text[at] == close && --depth == 0) return at + 1;
  }
  return std::string_view::npos;
}

enum class Operator { equal, not_equal, less, less_equal, greater, greater_equal };

struct Comparison {
  Operator op;
  bool levels;
};

struct OperatorName {
  std::string_view text;
  Operator op;
};

// Longer ones first.
constexpr std::array kOperators = {
    OperatorName{"==", Operator::equal},      OperatorName{"!=", Operator::not_equal},
    OperatorName{"<=", Operator::less_equal}, OperatorName{">=", Operator::greater_equal},
    OperatorName{"<", Operator::less},        OperatorName{">", Operator::greater}};

template <class T>
bool compare(const T& left, Operator op, const T& right) {
  switch (op) {
    case Operator::equal:
      return left == right;
    case Operator::not_equal:
      return left != right;
    case Operator::less:
      return left < right;
    case Operator::less_equal:
      return left <= right;
    case Operator::greater:
      return left > right;
    case Operator::greater_equal:
      return left >= right;
  }
  return false;
}

std::unexpected<Error> syntax_error(std::string_view what, std::string_view whole, std::size_t at) {
  constexpr std::size_t kContext = 30;
  const std::size_t from = at > kContext ? at - kContext : 0;
  return fail(Errc::invalid, fmt::format("{} at: \"...{}>>>{}\"", what, printable(whole.substr(from, at - from)),
                                         printable(whole.substr(at), 100)));
}

// Reads what stands between ${ and }: one object for one such text.
class Expression {
 public:
  explicit Expression(std::string_view text) : text_(text) {}

  void skip_blanks() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  // Blanks are skipped only when a {} group follows; before a plain text they belong to it.
  bool skip_to_group() {
    const std::size_t from = at_;
    skip_blanks();
    if (peek() == '{') return true;
    at_ = from;
    return false;
  }
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  std::string_view rest() const { return text_.substr(at_); }
  std::unexpected<Error> error(std::string_view what) const { return syntax_error(what, text_, at_); }
  bool take(std::string_view token) {
    if (!rest().starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  std::string_view take_name() {
    const std::size_t from = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }
  // The content of the {} group here; blanks inside it count.
  Result<std::string_view> take_group() {
    const std::size_t length = group_length(rest(), '{', '}');
    if (length == std::string_view::npos) return error("unbalanced {} in attribute expression");
    const std::string_view content = rest().substr(1, length - 2);
    at_ += length;
    return content;
  }
  std::string_view take_rest() {
    const std::string_view all = rest();
    at_ = text_.size();
    return all;
  }
  Result<Comparison> take_comparison() {
    for (const OperatorName& candidate : kOperators) {
      if (!take(candidate.text)) continue;
      return Comparison{candidate.op, take("level")};
    }
    return error("\"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected");
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// What follows the condition: `?text`, `:text`, `?{text}:{text}` or nothing.
struct Branches {
  std::optional<std::string_view> yes, no;
};

Result<Branches> take_branches(Expression& in) {
  Branches branches;
  in.skip_blanks();
  const bool positive = in.take("?");
  if (!positive && !in.take(":")) return in.error("\"?\" or \":\" expected");
  if (!in.skip_to_group()) {
    (positive ? branches.yes : branches.no) = in.take_rest();
    return branches;
  }
  const auto first = in.take_group();
  if (!first) return std::unexpected(first.error());
  (positive ? branches.yes : branches.no) = *first;
  in.skip_blanks();
  if (in.at_end()) return branches;
  if (!positive) return in.error("unexpected input");
  if (!in.take(":")) return in.error("\":\" expected");
  if (!in.skip_to_group()) {
    branches.no = in.take_rest();
    return branches;
  }
  const auto second = in.take_group();
  if (!second) return std::unexpected(second.error());
  branches.no = *second;
  in.skip_blanks();
  if (!in.at_end()) return in.error("unexpected input");
  return branches;
}

// Splits text into literal runs and references; one reference at a time.
struct Token {
  std::string_view literal;
  std::string_view reference;  // what follows the dollar sign, without brackets
  bool is_reference = false;
};

Result<Token> next_token(std::string_view whole, std::string_view& rest) {
  if (rest.front() != '$') {
    const std::string_view literal = rest.substr(0, rest.find('$'));
    rest.remove_prefix(literal.size());
    return Token{literal, {}, false};
  }
  if (rest.starts_with("$$")) {
    const std::string_view literal = rest.substr(0, 1);
    rest.remove_prefix(2);
    return Token{literal, {}, false};
  }
  rest.remove_prefix(1);
  Token token{{}, {}, true};
  if (rest.starts_with('{') || rest.starts_with('(')) {
    const std::size_t length = group_length(rest, rest[0], rest[0] == '{' ? '}' : ')');
    if (length == std::string_view::npos) {
      return fail(Errc::invalid, fmt::format("truncated macro reference: \"{}\"", printable(whole)));
    }
    token.reference = rest.substr(1, length - 2);
    rest.remove_prefix(length);
  } else {
    const auto end = std::ranges::find_if_not(rest, is_name_char);
    token.reference = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(token.reference.size());
  }
  if (token.reference.empty()) {
    return fail(Errc::invalid, fmt::format("empty macro name: \"{}\"", printable(whole)));
  }
  return token;
}

class Expander {
 public:
  Expander(const RawLookup& lookup, ExpansionBudget& budget) : lookup_(lookup), budget_(budget) {}

  Result<std::string> run(std::string_view text, int depth) {
    std::string out;
    for (std::string_view rest = text; !rest.empty();) {
      const auto token = next_token(text, rest);
      if (!token) return std::unexpected(token.error());
      const std::size_t before = out.size();
      if (!token->is_reference) {
        out += token->literal;
      } else {
        const auto value = evaluate(token->reference, depth);
        if (!value) return value;
        out += *value;
      }
      const std::size_t produced = out.size() - before;
      if (produced > budget_.bytes_left) {
        return fail(Errc::invalid,
                    fmt::format("expansion exceeds {} bytes: \"{}\"", kMaxExpandedBytes, printable(text, 100)));
      }
      budget_.bytes_left -= produced;
    }
    return out;
  }

 private:
  Result<std::string> evaluate(std::string_view text, int depth) {
    if (depth >= kMaxExpansionDepth || --budget_.steps_left < 0) {
      return fail(Errc::invalid, fmt::format("unreasonable macro call nesting: \"{}\"", printable(text, 100)));
    }
    Expression in(text);
    in.skip_blanks();
    if (in.peek() == '{') return relation(in, depth);
    const std::string_view name = in.take_name();
    if (name == "domain_to_ascii" && in.peek() == '{') return domain_to_ascii(in, depth);
    const std::size_t before = in.rest().size();
    in.skip_blanks();
    if (name.empty() || (!in.at_end() && in.peek() != '?' && in.peek() != ':')) {
      return syntax_error("attribute name syntax error", text, text.size() - before);
    }
    std::optional<std::string> raw = lookup_(name);
    if (!in.at_end()) return choose(in, raw && !raw->empty(), depth);
    if (!raw || raw->empty()) return std::string();
    return run(*raw, depth + 1);
  }

  Result<std::string> choose(Expression& in, bool condition, int depth) {
    const auto branches = take_branches(in);
    if (!branches) return std::unexpected(branches.error());
    const auto& text = condition ? branches->yes : branches->no;
    return text ? run(*text, depth + 1) : Result<std::string>(std::string());
  }

  // `{left} OP {right}` with its branches; without any, "true" or nothing, as Postfix.
  Result<std::string> relation(Expression& in, int depth) {
    auto left = operand(in, depth);
    if (!left) return left;
    in.skip_blanks();
    const auto comparison = in.take_comparison();
    if (!comparison) return std::unexpected(comparison.error());
    in.skip_blanks();
    if (in.peek() != '{') return in.error("\"{expression}\" expected");
    auto right = operand(in, depth);
    if (!right) return right;
    const auto holds = decide(*left, *comparison, *right);
    if (!holds) return std::unexpected(holds.error());
    in.skip_blanks();
    if (in.at_end()) return std::string(*holds ? "true" : "");
    return choose(in, *holds, depth);
  }

  Result<std::string> operand(Expression& in, int depth) {
    const auto group = in.take_group();
    if (!group) return std::unexpected(group.error());
    return run(*group, depth + 1);
  }

  static Result<bool> decide(const std::string& left, const Comparison& comparison, const std::string& right) {
    if (comparison.levels) {
      const auto a = parse_level(left);
      const auto b = parse_level(right);
      if (!a || !b) {
        return fail(Errc::invalid,
                    fmt::format("malformed compatibility level syntax: \"{}\"", printable(a ? right : left)));
      }
      return compare(*a, comparison.op, *b);
    }
    const auto a = parse_number(left);
    const auto b = parse_number(right);
    return a && b ? compare(*a, comparison.op, *b) : compare(left, comparison.op, right);
  }

  Result<std::string> domain_to_ascii(Expression& in, int depth) {
    auto domain = operand(in, depth);
    in.skip_blanks();
    if (domain && !in.at_end()) return in.error("unexpected input");
    return domain;
  }

  const RawLookup& lookup_;
  ExpansionBudget& budget_;
};

void collect(std::string_view text, int depth, std::vector<std::string>& names);

void collect_expression(std::string_view text, int depth, std::vector<std::string>& names) {
  Expression in(text);
  in.skip_blanks();
  if (in.peek() == '{') {
    for (int side = 0; side < 2; ++side) {
      const auto group = in.peek() == '{' ? in.take_group() : Result<std::string_view>("");
      if (!group) return;
      collect(*group, depth, names);
      in.skip_blanks();
      if (side == 0 && !in.take_comparison()) return;
      in.skip_blanks();
    }
  } else {
    const std::string_view name = in.take_name();
    if (name == "domain_to_ascii" && in.peek() == '{') {
      if (const auto group = in.take_group()) collect(*group, depth, names);
      return;
    }
    if (!name.empty()) names.emplace_back(name);
  }
  in.skip_blanks();
  if (in.at_end()) return;
  const auto branches = take_branches(in);
  if (!branches) return;
  if (branches->yes) collect(*branches->yes, depth, names);
  if (branches->no) collect(*branches->no, depth, names);
}

void collect(std::string_view text, int depth, std::vector<std::string>& names) {
  if (depth >= kMaxExpansionDepth) return;
  for (std::string_view rest = text; !rest.empty();) {
    const auto token = next_token(text, rest);
    if (!token) return;
    if (token->is_reference) collect_expression(token->reference, depth + 1, names);
  }
}

}  // namespace

Result<std::string> expand(std::string_view text, const RawLookup& lookup) {
  ExpansionBudget budget;
  return expand(text, lookup, budget);
}

Result<std::string> expand(std::string_view text, const RawLookup& lookup, ExpansionBudget& budget) {
  return Expander(lookup, budget).run(text, 0);
}

std::vector<std::string> references(std::string_view text) {
  std::vector<std::string> names;
  collect(text, 0, names);
  return names;
}

}  // namespace waypost::config
