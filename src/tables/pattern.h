// A compiled regular expression, and what tells one dialect of rule tables (regexp:, pcre:) from another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tables/replacement.h"
#include "tables/rule_warnings.h"

namespace waypost::tables {

enum class Match : std::uint8_t { no, yes, gave_up };

// Immutable; any thread.
class Pattern {
 public:
  virtual ~Pattern() = default;

  // Fills `groups` when it matches. The engine gives up when the subject is hostile to this expression, or memory is
  // short; then `why` gets its reason.
  virtual Match match(const std::string& subject, std::span<Group> groups, std::string& why) const = 0;
  // How many groups "(...)" it has.
  virtual std::size_t group_count() const = 0;
};

struct Dialect {
  std::string_view type;           // "regexp"
  std::string_view unclosed_text;  // what happens to a rule without closing delimiter
  std::string_view zero_text;      // how $0 is refused
  bool has_second_pattern;         // "/pattern/!/other/": matches where the first does and the second does not
  int default_options;
  int ignore_case;       // the option
  int prefix_wanted;     // options with which literal_prefix() holds,
  int prefix_forbidden;  // and without which
  // Applies a flag letter to the options; false when there is no such flag.
  bool (*set_flag)(char flag, int& options, RuleWarnings& warnings);
  // `wants_groups`: matches() will be asked for groups. The error is a text for the warning.
  Result<std::unique_ptr<const Pattern>> (*compile)(const std::string& text, int options, bool wants_groups);
};

extern const Dialect kRegexpDialect;  // POSIX extended expressions, of the C library
extern const Dialect kPcreDialect;    // Perl-compatible expressions, of PCRE2

}  // namespace waypost::tables
