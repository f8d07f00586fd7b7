#include "config/expand.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::config {

namespace {

// The parts of a level in one number: 43 bits for the first, 10 for each of the others, as Postfix packs them.
constexpr int kLevelPartBits = 10;
constexpr std::uint64_t kMaxLevelPart = (1U << kLevelPartBits) - 1;
constexpr std::uint64_t kMaxFirstLevelPart = std::uint64_t{INT64_MAX} >> (2 * kLevelPartBits);

// Takes a number from the front, with the blanks and the sign before it that strtol(3) allows.
std::optional<std::uint64_t> take_level_part(std::string_view& text, std::uint64_t max) {
  text = trim_left(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto end = std::ranges::find_if_not(text, is_digit);
  const auto length = static_cast<std::size_t>(end - text.begin());
  const auto number = parse_number(text.substr(0, length), max);
  text.remove_prefix(length);
  return number && (!negative || *number == 0) ? number : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_level(std::string_view text) {
  std::uint64_t level = 0;
  for (int part = 0; part < 3; ++part) {
    const auto number = take_level_part(text, part == 0 ? kMaxFirstLevelPart : kMaxLevelPart);
    if (!number) return std::nullopt;
    level |= *number << (kLevelPartBits * (2 - part));
    if (text.empty()) return level;
    if (!text.starts_with('.')) return std::nullopt;
    text.remove_prefix(1);
  }
  return std::nullopt;
}

namespace {

// Operands of comparisons start counting anew, as in Postfix, where a circle through them never ends.
constexpr int kMaxNesting = 4 * kMaxExpansionDepth;
constexpr std::size_t kErrorContext = 20;  // characters of what follows the place of an error

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

constexpr std::array kOperators = {
    OperatorName{"==", Operator::equal},      OperatorName{"!=", Operator::not_equal},
    OperatorName{"<=", Operator::less_equal}, OperatorName{">=", Operator::greater_equal},
    OperatorName{"<", Operator::less},        OperatorName{">", Operator::greater}};
constexpr std::string_view kAnyOperator = R"("==" or "!=" or "<" or "<=" or ">=" or ">")";
constexpr std::string_view kOperatorChars = "<>!=?+-*/~&|%";
constexpr std::string_view kLevelSuffix = "level";
constexpr std::string_view kToAscii = "domain_to_ascii";

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

bool is_number(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

Result<bool> decide(const std::string& left, const Comparison& comparison, const std::string& right) {
  if (comparison.levels) {
    const auto a = parse_level(left);
    const auto b = parse_level(right);
    if (a && b) return compare(*a, comparison.op, *b);
    return fail(Errc::invalid,
                fmt::format("malformed compatibility level syntax: \"{}\"", printable(a ? right : left)));
  }
  if (!is_number(left) || !is_number(right)) return compare(left, comparison.op, right);
  const auto a = parse_number(left, INT64_MAX);
  const auto b = parse_number(right, INT64_MAX);
  if (a && b) return compare(*a, comparison.op, *b);
  return fail(Errc::invalid, fmt::format("mac_exp_eval: bad conversion: {}", printable(a ? right : left)));
}

// `before` and `after` stand on both sides of the place where the reader stumbled.
std::unexpected<Error> syntax_error(std::string_view what, std::string_view before, std::string_view after) {
  return fail(Errc::invalid,
              fmt::format("{} at: \"...{}>>>{}\"", what, printable(before), printable(after, kErrorContext)));
}

// Reads what stands between ${ and }: one object for one such text.
class Expression {
 public:
  explicit Expression(std::string_view text) : text_(text) {}

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
  bool take(char wanted) {
    if (at_end() || peek() != wanted) return false;
    ++at_;
    return true;
  }
  // A name and the blanks around it; it may be empty. An operator, a group or the end follows.
  Result<std::string_view> take_name() {
    skip_blanks();
    const std::size_t from = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    const std::size_t end = at_;
    skip_blanks();
    const std::string_view name = text_.substr(from, end - from);
    if (at_end() || peek() == '?' || peek() == ':' || (peek() == '{' && name == kToAscii)) return name;
    return syntax_error("attribute name syntax error", text_.substr(0, end), text_.substr(end));
  }
  // The content of the {} group here, its blanks included, and the blanks behind it.
  Result<std::string_view> take_group() {
    const std::size_t length = group_length(rest(), '{', '}');
    if (length == std::string_view::npos) {
      return fail(Errc::invalid, fmt::format("unbalanced {{}} in attribute expression: \"{}\"", printable(rest())));
    }
    const std::string_view content = rest().substr(1, length - 2);
    at_ += length;
    skip_blanks();
    return content;
  }
  // What follows '?' or ':': a group, or all that is left.
  Result<std::string_view> take_branch() {
    if (skip_to_group()) return take_group();
    const std::string_view all = rest();
    at_ = text_.size();
    return all;
  }
  // `left` is what stands before it, for the error.
  Result<Comparison> take_comparison(std::string_view left) {
    const std::string_view sign = take_while([](char c) { return kOperatorChars.find(c) != std::string_view::npos; });
    const auto* found = std::ranges::find(kOperators, sign, &OperatorName::text);
    if (found == kOperators.end()) {
      at_ -= sign.size();
      return syntax_error(fmt::format("{} expected", kAnyOperator), fmt::format("{}}}", left), rest());
    }
    const std::string_view suffix = take_while(is_alnum);
    if (!suffix.empty() && suffix != kLevelSuffix) return syntax_error("bad operator suffix", sign, suffix);
    if (skip_to_group()) return Comparison{found->op, !suffix.empty()};
    return syntax_error("\"{expression}\" expected", fmt::format("{{{}}} {}", left, sign), rest());
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  template <class Predicate>
  std::string_view take_while(Predicate wanted) {
    const std::size_t from = at_;
    while (at_ < text_.size() && wanted(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// A run of plain text with $$ made one dollar sign, or what a reference refers to, without its brackets.
struct Token {
  std::string text;
  bool is_reference = false;
};

std::string take_literal(std::string_view& rest) {
  std::string text;
  while (!rest.empty() && (rest.front() != '$' || rest.starts_with("$$"))) {
    const bool dollar = rest.front() == '$';
    const std::string_view run = dollar ? rest.substr(0, 1) : rest.substr(0, rest.find('$'));
    text += run;
    rest.remove_prefix(dollar ? 2 : run.size());
  }
  return text;
}

Result<Token> next_token(std::string_view whole, std::string_view& rest) {
  if (std::string text = take_literal(rest); !text.empty()) return Token{std::move(text), false};
  rest.remove_prefix(1);
  Token token{{}, true};
  if (rest.starts_with('{') || rest.starts_with('(')) {
    const std::size_t length = group_length(rest, rest[0], rest[0] == '{' ? '}' : ')');
    if (length == std::string_view::npos) {
      return fail(Errc::invalid, fmt::format("truncated macro reference: \"{}\"", printable(whole)));
    }
    token.text = rest.substr(1, length - 2);
    rest.remove_prefix(length);
  } else {
    const auto end = std::ranges::find_if_not(rest, is_name_char);
    token.text = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(token.text.size());
  }
  if (!token.text.empty()) return token;
  return fail(Errc::invalid, fmt::format("empty macro name: \"{}\"", printable(whole)));
}

// Goes through a text and what it refers to. With `found` it only looks at the text itself: names are collected, both
// branches of conditions are read, nothing is looked up.
class Expander {
 public:
  Expander(const RawLookup& lookup, ExpansionBudget& budget) : lookup_(lookup), budget_(budget) {}
  Expander(const RawLookup& lookup, ExpansionBudget& budget, std::vector<std::string>& found)
      : lookup_(lookup), budget_(budget), found_(&found) {}

  // Whatever is written was paid for when the text that it comes from was first read.
  Result<> pay_for(std::string_view text) {
    if (text.size() > budget_.bytes_left) {
      return fail(Errc::invalid,
                  fmt::format("expansion exceeds {} bytes: \"{}\"", kMaxExpandedBytes, printable(text, 100)));
    }
    budget_.bytes_left -= text.size();
    return {};
  }

  Result<> run(std::string_view text, int depth, std::string& out) {
    if (++nesting_ > kMaxNesting) return too_deep(text);
    for (std::string_view rest = text; !rest.empty();) {
      const auto token = next_token(text, rest);
      if (!token) return std::unexpected(token.error());
      if (depth > kMaxExpansionDepth || (token->is_reference && --budget_.steps_left < 0)) return too_deep(token->text);
      if (!token->is_reference) {
        out += token->text;
      } else if (auto done = reference(token->text, depth, out); !done) {
        return done;
      }
    }
    --nesting_;
    return {};
  }

 private:
  bool scanning() const { return found_ != nullptr; }

  static std::unexpected<Error> too_deep(std::string_view text) {
    return fail(Errc::invalid, fmt::format("unreasonable macro call nesting: \"{}\"", printable(text, 100)));
  }

  Result<> reference(std::string_view text, int depth, std::string& out) {
    Expression in(text);
    if (in.skip_to_group()) return relation(in, depth, out);
    const auto name = in.take_name();
    if (!name) return std::unexpected(name.error());
    if (in.peek() == '{') return domain_to_ascii(in, out);
    std::optional<std::string> raw;
    if (scanning()) {
      found_->emplace_back(*name);
    } else {
      raw = lookup_(*name);
    }
    if (auto paid = pay_for(raw.value_or("")); !paid) return paid;
    if (!in.at_end()) return choose(in, raw && !raw->empty(), depth, out);
    return raw ? run(*raw, depth + 1, out) : Result<>();
  }

  // `?text`, `:text`, `?{text}:{text}`.
  Result<> choose(Expression& in, bool condition, int depth, std::string& out) {
    if (in.take('?')) {
      const auto yes = in.take_branch();
      if (!yes) return std::unexpected(yes.error());
      if (condition || scanning()) {
        if (auto done = run(*yes, depth + 1, out); !done) return done;
      }
      if (in.at_end()) return {};
      if (in.peek() != ':') return syntax_error("\":\" expected", fmt::format("{}}}", *yes), in.rest());
    }
    in.take(':');
    const auto no = in.take_branch();
    if (!no) return std::unexpected(no.error());
    if (!condition || scanning()) {
      if (auto done = run(*no, depth + 1, out); !done) return done;
    }
    if (in.at_end()) return {};
    return syntax_error("unexpected input", fmt::format("{}}}", *no), in.rest());
  }

  // `{left} OP {right}` with its branches; without any, "true" or nothing, as Postfix.
  Result<> relation(Expression& in, int depth, std::string& out) {
    const auto left = in.take_group();
    if (!left) return std::unexpected(left.error());
    const auto comparison = in.take_comparison(*left);
    if (!comparison) return std::unexpected(comparison.error());
    const auto right = in.take_group();
    if (!right) return std::unexpected(right.error());
    std::string left_value, right_value;
    if (auto done = run(*left, 0, left_value); !done) return done;
    if (auto done = run(*right, 0, right_value); !done) return done;
    const auto holds = scanning() ? Result<bool>(false) : decide(left_value, *comparison, right_value);
    if (!holds) return std::unexpected(holds.error());
    if (in.at_end()) {
      out += *holds ? "true" : "";
      return {};
    }
    if (in.peek() != '?' && in.peek() != ':') return syntax_error("\"?\" or \":\" expected", "}", in.rest());
    return choose(in, *holds, depth, out);
  }

  Result<> domain_to_ascii(Expression& in, std::string& out) {
    const auto domain = in.take_group();
    if (!domain) return std::unexpected(domain.error());
    if (!in.at_end()) return syntax_error("unexpected input", fmt::format("{}}}", *domain), in.rest());
    return run(trim(*domain), 0, out);
  }

  const RawLookup& lookup_;
  ExpansionBudget& budget_;
  std::vector<std::string>* found_ = nullptr;
  int nesting_ = 0;
};

}  // namespace

Result<std::string> expand(std::string_view text, const RawLookup& lookup) {
  ExpansionBudget budget;
  return expand(text, lookup, budget);
}

Result<std::string> expand(std::string_view text, const RawLookup& lookup, ExpansionBudget& budget) {
  Expander expander(lookup, budget);
  std::string out;
  if (auto paid = expander.pay_for(text); !paid) return std::unexpected(paid.error());
  if (auto done = expander.run(text, 0, out); !done) return std::unexpected(done.error());
  return out;
}

References references(std::string_view text) {
  References found;
  ExpansionBudget budget;
  std::string ignored;
  const RawLookup nothing = [](std::string_view) { return std::optional<std::string>(); };
  if (auto done = Expander(nothing, budget, found.names).run(text, 0, ignored); !done) found.error = done.error().text;
  return found;
}

}  // namespace waypost::config
