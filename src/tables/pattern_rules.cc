#include "tables/pattern_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "tables/literal_prefix.h"
#include "tables/rule_words.h"
#include "tables/source_file.h"

namespace waypost::tables {
namespace {

// Where the delimiter that `text` starts with comes again, not behind a backslash; npos when it does not.
std::size_t closing_delimiter(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text.front()) {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

// Reads one rule at a time. nullopt: the line is no rule; a warning says why.
class PatternRules::Parser {
 public:
  Parser(const Dialect& dialect, std::string_view path, std::vector<std::string>& warnings)
      : dialect_(dialect), warnings_{.type = dialect.type, .path = path, .line = 0, .texts = warnings} {}

  std::optional<Rule> parse(std::string_view line, int number, std::size_t nesting) {
    warnings_.line = number;
    std::optional<Rule> rule;
    if (!is_alnum(line.front())) {
      rule = parse_match(line);
    } else if (is_keyword(line, "if")) {
      rule = parse_if(line.substr(2), nesting);
    } else if (is_keyword(line, "endif")) {
      rule = parse_endif(line.substr(5), nesting);
    } else {
      warnings_.here("ignoring unrecognized request");
    }
    if (rule) rule->line = number;
    return rule;
  }

 private:
  struct Source {
    std::string text;
    int options = 0;
    bool negated = false;
  };

  std::optional<Rule> refuse(std::string_view why) {
    warnings_.here(why);
    return std::nullopt;
  }

  // Takes "!/text/flags" off the front of `rest`.
  std::optional<Source> take_source(std::string_view& rest) {
    Source source;
    source.options = dialect_.default_options;
    source.negated = take_negations(rest);
    if (rest.empty()) {
      warnings_.here("no regexp: skipping this rule");
      return std::nullopt;
    }
    const auto close = closing_delimiter(rest);
    if (close == std::string_view::npos) {
      warnings_.here(fmt::format("no closing regexp delimiter \"{}\": {}", rest.front(), dialect_.unclosed_text));
      return std::nullopt;
    }
    source.text = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (source.text.size() > kMaxPatternBytes) {
      warnings_.here(fmt::format("the regexp is longer than {} bytes: skipping this rule", kMaxPatternBytes));
      return std::nullopt;
    }
    for (; !rest.empty() && !is_space(rest.front()) && !begins_second(rest); rest.remove_prefix(1)) {
      if (dialect_.set_flag(rest.front(), source.options, warnings_)) continue;
      warnings_.here(fmt::format("unknown regexp option \"{}\": skipping this rule", rest.front()));
      return std::nullopt;
    }
    return source;
  }

  bool begins_second(std::string_view rest) const { return dialect_.has_second_pattern && rest.starts_with('!'); }

  std::optional<Test> compile(const Source& source, bool wants_groups) {
    auto pattern = dialect_.compile(source.text, source.options, wants_groups);
    if (!pattern) {
      warnings_.here(pattern.error().text);
      return std::nullopt;
    }
    const bool has_prefix = (source.options & dialect_.prefix_wanted) == dialect_.prefix_wanted &&
                            (source.options & dialect_.prefix_forbidden) == 0;
    return Test{std::move(*pattern), source.negated, (source.options & dialect_.ignore_case) != 0,
                has_prefix ? literal_prefix(source.text) : ""};
  }

  std::optional<Rule> parse_match(std::string_view rest) {
    const auto first = take_source(rest);
    if (!first) return std::nullopt;
    std::optional<Source> second;
    if (begins_second(rest) && !(second = take_source(rest))) return std::nullopt;
    const auto text = trim_left(rest);
    if (text.empty()) warnings_.here("no replacement text: using empty string");
    auto replacement = Replacement::parse(text, dialect_.zero_text, warnings_);
    if (!replacement) return refuse("bad replacement syntax: skipping this rule");
    const std::uint32_t max_index = replacement->max_index();
    if (max_index > 0 && first->negated) {
      return refuse("$number found in negative match replacement text: skipping this rule");
    }
    auto first_test = compile(*first, max_index > 0);
    if (!first_test) return std::nullopt;
    if (max_index > first_test->pattern->group_count()) {
      return refuse(fmt::format("out of range replacement index \"{}\": skipping this rule", max_index));
    }
    Rule rule;
    rule.first = std::move(*first_test);
    rule.replacement = std::move(*replacement);
    if (!second) return rule;
    auto second_test = compile(*second, false);
    if (!second_test) return std::nullopt;
    rule.second = std::move(*second_test);
    return rule;
  }

  std::optional<Rule> parse_if(std::string_view rest, std::size_t nesting) {
    const auto source = take_source(rest);
    if (!source) return std::nullopt;
    if (const auto extra = trim_left(rest); !extra.empty()) {
      warnings_.here(fmt::format("ignoring extra text after IF statement: \"{}\"", extra));
      warnings_.here("do not prepend whitespace to statements between IF and ENDIF");
    }
    if (nesting == kMaxNesting) return refuse("too many nested IFs: skipping this rule");
    auto test = compile(*source, false);
    if (!test) return std::nullopt;
    Rule rule;
    rule.kind = Kind::if_block;
    rule.first = std::move(*test);
    return rule;
  }

  std::optional<Rule> parse_endif(std::string_view rest, std::size_t nesting) {
    if (nesting == 0) return refuse("ignoring ENDIF without matching IF");
    if (!trim_left(rest).empty()) warnings_.here("ignoring extra text after ENDIF");
    Rule rule;
    rule.kind = Kind::end_block;
    return rule;
  }

  const Dialect& dialect_;
  RuleWarnings warnings_;
};

PatternRules PatternRules::parse(const Dialect& dialect, std::string_view text, std::string_view path, const Log& log,
                                 std::vector<std::string>& warnings) {
  PatternRules rules(dialect, path, log);
  Parser parser(dialect, path, warnings);
  std::vector<std::size_t> open_blocks;
  LogicalLines lines(text, path, warnings);
  LogicalLine line;
  while (lines.next(line)) {
    auto rule = parser.parse(trim_right(line.text), line.number, open_blocks.size());
    if (!rule) continue;
    if (rules.rules_.size() == kMaxRules) {
      warnings.push_back(fmt::format("{} map {}, line {}: more than {} rules: skipping the rest", dialect.type, path,
                                     line.number, kMaxRules));
      break;
    }
    if (rule->kind == Kind::if_block) open_blocks.push_back(rules.rules_.size());
    if (rule->kind == Kind::end_block) {
      rules.rules_[open_blocks.back()].block_end = static_cast<std::uint32_t>(rules.rules_.size());
      open_blocks.pop_back();
    }
    if (const auto index = rule->replacement.max_index(); index > 0) {
      rules.max_groups_ = std::max<std::size_t>(rules.max_groups_, index + 1);
    }
    rules.rules_.push_back(std::move(*rule));
  }
  for (; !open_blocks.empty(); open_blocks.pop_back()) {
    Rule& block = rules.rules_[open_blocks.back()];
    block.block_end = static_cast<std::uint32_t>(rules.rules_.size());
    warnings.push_back(fmt::format("{} map {}, line {}: IF has no matching ENDIF", dialect.type, path, block.line));
  }
  rules.rules_.shrink_to_fit();
  return rules;
}

Match PatternRules::Test::holds(const std::string& subject, std::span<Group> groups, std::string& why) const {
  const bool may_match = ignores_case ? istarts_with(subject, prefix) : subject.starts_with(prefix);
  const Match matched = may_match ? pattern->match(subject, groups, why) : Match::no;
  if (matched == Match::gave_up || !negated) return matched;
  return matched == Match::yes ? Match::no : Match::yes;
}

Match PatternRules::applies(const Rule& rule, const std::string& subject, std::span<Group> groups, std::string& why) {
  const std::uint32_t max_index = rule.replacement.max_index();
  const Match first = rule.first.holds(subject, max_index > 0 ? groups.first(max_index + 1) : std::span<Group>(), why);
  if (first != Match::yes || !rule.second.pattern) return first;
  return rule.second.holds(subject, {}, why);
}

Error PatternRules::gave_up(const Rule& rule, std::string_view why) const {
  std::string text = fmt::format("{} map {}, line {}: {}", dialect_.type, path_, rule.line, why);
  log_.warning("{}", text);
  return {Errc::unavailable, std::move(text)};
}

Lookup PatternRules::find(std::string_view key) const {
  const std::string subject(key.substr(0, key.find('\0')));
  std::vector<Group> groups(max_groups_);
  std::string why;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Rule& rule = rules_[i];
    if (rule.kind == Kind::end_block) continue;
    const Match applied = applies(rule, subject, groups, why);
    if (applied == Match::gave_up) return std::unexpected(gave_up(rule, why));
    if (rule.kind == Kind::match && applied == Match::yes) return rule.replacement.expand(subject, groups);
    if (rule.kind == Kind::if_block && applied == Match::no) i = rule.block_end;
  }
  return std::nullopt;
}

}  // namespace waypost::tables
