// The result text of a regexp: or pcre: rule: literal text in which $1, ${1} and $(1) stand for what a group matched,
// and $$ for '$'. Immutable; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tables/rule_warnings.h"

namespace waypost::tables {

// What a group of a pattern matched: a part of the subject; empty when it took no part.
struct Group {
  std::size_t begin = 0, end = 0;
};

class Replacement {
 public:
  static constexpr std::uint32_t kMaxIndex = 65535;  // as many groups as PCRE2 can have

  Replacement() = default;  // the empty text
  // nullopt when malformed; why is in `warnings`. `zero_text` says in this table type's words that $0 is no index.
  static std::optional<Replacement> parse(std::string_view text, std::string_view zero_text, RuleWarnings& warnings);

  // The highest group it names; 0: it is the same for every match.
  std::uint32_t max_index() const { return max_index_; }
  // `groups[n]` is group n, up to max_index().
  std::string expand(std::string_view subject, std::span<const Group> groups) const;

 private:
  struct Piece {
    std::string literal;
    std::uint32_t index = 0;  // of the group that follows the literal; 0: none
  };
  std::vector<Piece> pieces_;
  std::uint32_t max_index_ = 0;
};

}  // namespace waypost::tables
