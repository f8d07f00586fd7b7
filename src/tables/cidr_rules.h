// The rules of a cidr table: "pattern result" lines, "if pattern" ... "endif" blocks, '!' to negate. Immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tables/cidr.h"
#include "tables/cidr_index.h"
#include "tables/file_table.h"

namespace waypost::tables {

class CidrRules final : public Content {
 public:
  static constexpr std::size_t kMaxNesting = 100;
  static constexpr std::size_t kMaxRules = 100'000'000;

  // A line that is wrong is skipped with a warning, as in Postfix: `cidr map FILE, line N: WHY: skipping this rule`.
  static CidrRules parse(std::string_view text, std::string_view path, std::vector<std::string>& warnings);

  // A key that is no address finds nothing.
  Lookup find(std::string_view key) const override;
  std::size_t size() const { return size_; }

 private:
  // What a lookup goes through. Plain rules that follow each other are one step, which is searched, not walked.
  enum class Kind : std::uint8_t { plain, negated, if_block, end_block };
  struct Step {
    Kind kind = Kind::plain;
    bool negated = false;         // the condition of an if_block
    Cidr cidr;                    // not of plain and end_block
    std::uint32_t result = 0;     // plain: which of indexes_; negated: which of results_
    std::uint32_t block_end = 0;  // if_block: index of its end_block; steps_.size() when it has none
    int line = 0;
  };
  class Parser;

  std::vector<Step> steps_;
  std::vector<CidrIndex> indexes_;
  std::vector<std::string> results_;  // each text once
  std::size_t size_ = 0;
};

}  // namespace waypost::tables
