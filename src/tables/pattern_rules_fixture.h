// For tests of rules with expressions: reads them, keeps the warnings, asks.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tables/pattern_rules.h"

namespace waypost::tables {

class PatternRulesTest : public ::testing::Test {
 protected:
  PatternRules parse(std::string_view text, const Dialect& dialect) {
    warnings_.clear();
    return PatternRules::parse(dialect, text, "/f", Log(sink_, "test", 1), warnings_);
  }
  // The value, "-" for nothing, or the failure's text.
  static std::string find(const PatternRules& rules, std::string_view key) {
    const Lookup found = rules.find(key);
    if (!found) return found.error().text;
    return found->value_or("-");
  }
  std::string find_in(std::string_view text, std::string_view key, const Dialect& dialect) {
    return find(parse(text, dialect), key);
  }

  CapturingLog sink_;
  std::vector<std::string> warnings_;
};

}  // namespace waypost::tables
