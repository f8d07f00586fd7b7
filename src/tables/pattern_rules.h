// The rules of a regexp: or pcre: table, in order: "/pattern/flags result", "!/pattern/ result" for what does not
// match, "if /pattern/" ... "endif" around rules that are asked only where the condition holds. The first that applies
// answers. Immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "tables/file_table.h"
#include "tables/pattern.h"
#include "tables/replacement.h"

namespace waypost::tables {

class PatternRules final : public Content {
 public:
  static constexpr std::size_t kMaxRules = 1'000'000;
  static constexpr std::size_t kMaxPatternBytes = 32768;
  static constexpr std::size_t kMaxNesting = 100;

  // A rule that is wrong is skipped with a warning, as in Postfix: `regexp map FILE, line N: WHY: skipping this rule`.
  // `log`: for what goes wrong while matching.
  static PatternRules parse(const Dialect& dialect, std::string_view text, std::string_view path, const Log& log,
                            std::vector<std::string>& warnings);

  // Errc::unavailable when an expression gave up on this key (a limit, memory): the rules behind it must not answer,
  // and nothing may pass for having been checked.
  Lookup find(std::string_view key) const override;
  std::size_t size() const { return rules_.size(); }

 private:
  enum class Kind : std::uint8_t { match, if_block, end_block };
  struct Test {
    std::unique_ptr<const Pattern> pattern;  // null: nothing to test
    bool negated = false;
    bool ignores_case = false;
    std::string prefix;  // without which nothing can match

    Match holds(const std::string& subject, std::span<Group> groups, std::string& why) const;
  };
  struct Rule {
    Kind kind = Kind::match;
    int line = 0;
    std::uint32_t block_end = 0;  // if_block: index of its end_block; rules_.size() when it has none
    Test first, second;
    Replacement replacement;
  };
  class Parser;

  PatternRules(const Dialect& dialect, std::string_view path, const Log& log)
      : dialect_(dialect), path_(path), log_(log) {}
  static Match applies(const Rule& rule, const std::string& subject, std::span<Group> groups, std::string& why);
  Error gave_up(const Rule& rule, std::string_view why) const;

  const Dialect& dialect_;
  std::string path_;
  Log log_;
  std::vector<Rule> rules_;
  std::size_t max_groups_ = 0;  // that any rule needs, the whole match included
};

}  // namespace waypost::tables
