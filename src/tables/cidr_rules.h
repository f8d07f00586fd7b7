// The rules of a cidr table: "pattern result" lines, "if pattern" ... "endif" blocks, '!' to negate. Immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tables/cidr.h"
#include "tables/file_table.h"

namespace waypost::tables {

class CidrRules final : public Content {
 public:
  static constexpr std::size_t kMaxNesting = 100;

  // A line that is wrong is skipped with a warning, as in Postfix: `cidr map FILE, line N: WHY: skipping this rule`.
  static CidrRules parse(std::string_view text, std::string_view path, std::vector<std::string>& warnings);

  // A key that is no address finds nothing.
  Lookup find(std::string_view key) const override;
  std::size_t size() const { return rules_.size(); }

 private:
  enum class Kind : std::uint8_t { match, if_block, end_block };
  struct Rule {
    Kind kind = Kind::match;
    bool negated = false;
    Cidr cidr;
    std::uint32_t result = 0;  // match: where its text starts in results_
    std::uint32_t result_size = 0;
    std::uint32_t block_end = 0;  // if_block: index of its end_block; rules_.size() when it has none
    int line = 0;

    bool applies(const Address& address) const;
  };
  Result<Rule> parse_rule(std::string_view line, std::size_t nesting);

  std::vector<Rule> rules_;
  std::string results_;
};

}  // namespace waypost::tables
