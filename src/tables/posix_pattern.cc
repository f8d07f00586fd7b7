// regexp: POSIX extended (or basic) expressions. The C library's, as in Postfix: other engines differ in what a group
// captures, and in the corners of the syntax. It has no limits on what matching costs: time grows at worst with the
// square of the key's length, and with back-references memory does too.
#include <regex.h>

#include <string_view>
#include <vector>

#include "tables/pattern.h"

namespace waypost::tables {
namespace {

constexpr std::size_t kMaxBackReferenceKey = 2000;  // bytes: 30 MB, some tens of milliseconds

// "\\1" outside of brackets.
bool has_back_reference(std::string_view text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] != '\\') continue;
    ++i;
    if (text[i] >= '1' && text[i] <= '9') return true;
  }
  return false;
}

// Each '+' doubles what it repeats while the expression is compiled: a row of them takes all memory.
constexpr std::size_t kMaxRepetitionsInARow = 8;

bool repeats_too_often(std::string_view text) {
  std::size_t in_a_row = 0;
  for (const char c : text) {
    in_a_row = c == '+' || c == '*' || c == '?' ? in_a_row + 1 : 0;
    if (in_a_row > kMaxRepetitionsInARow) return true;
  }
  return false;
}

std::string error_text(int error, const regex_t& expression) {
  char text[256];
  ::regerror(error, &expression, text, sizeof text);
  return text;
}

class PosixPattern final : public Pattern {
 public:
  PosixPattern() = default;
  PosixPattern(const PosixPattern&) = delete;
  PosixPattern& operator=(const PosixPattern&) = delete;
  ~PosixPattern() override {
    if (is_compiled_) ::regfree(&expression_);
  }

  Result<> compile(const std::string& text, int options) {
    if (repeats_too_often(text)) return fail(Errc::invalid, "too many repetition operators in a row");
    const int error = ::regcomp(&expression_, text.c_str(), options);
    if (error != 0) return fail(Errc::invalid, error_text(error, expression_));
    is_compiled_ = true;
    has_back_reference_ = has_back_reference(text);
    return {};
  }

  Match match(const std::string& subject, std::span<Group> groups, std::string& why) const override {
    if (has_back_reference_ && subject.size() > kMaxBackReferenceKey) {
      why = "the key is too long for an expression with back-references";
      return Match::gave_up;
    }
    std::vector<regmatch_t> found(groups.size());
    const int error = ::regexec(&expression_, subject.c_str(), found.size(), found.data(), 0);
    if (error == REG_NOMATCH) return Match::no;
    if (error != 0) {
      why = error_text(error, expression_);
      return Match::gave_up;
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool took_part = found[i].rm_so >= 0;
      groups[i] = took_part ? Group{static_cast<std::size_t>(found[i].rm_so), static_cast<std::size_t>(found[i].rm_eo)}
                            : Group{};
    }
    return Match::yes;
  }
  std::size_t group_count() const override { return expression_.re_nsub; }

 private:
  regex_t expression_{};
  bool is_compiled_ = false, has_back_reference_ = false;
};

bool set_flag(char flag, int& options, RuleWarnings&) {
  switch (flag) {
    case 'i':
      options ^= REG_ICASE;
      return true;
    case 'm':
      options ^= REG_NEWLINE;
      return true;
    case 'x':
      options ^= REG_EXTENDED;
      return true;
    default:
      return false;
  }
}

Result<std::unique_ptr<const Pattern>> compile(const std::string& text, int options, bool wants_groups) {
  auto pattern = std::make_unique<PosixPattern>();
  if (auto done = pattern->compile(text, options | (wants_groups ? 0 : REG_NOSUB)); !done) {
    return std::unexpected(done.error());
  }
  return pattern;
}

}  // namespace

const Dialect kRegexpDialect{.type = "regexp",
                             .unclosed_text = "skipping this rule",
                             .zero_text = "out-of-range",
                             .has_second_pattern = true,
                             .default_options = REG_EXTENDED | REG_ICASE,
                             .ignore_case = REG_ICASE,
                             .prefix_wanted = REG_EXTENDED,
                             .prefix_forbidden = REG_NEWLINE,
                             .set_flag = set_flag,
                             .compile = compile};

}  // namespace waypost::tables
