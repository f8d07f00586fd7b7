// regexp: rules with POSIX expressions.
#include "tables/pattern_rules.h"
#include "tables/rules_table.h"

namespace waypost::tables {

std::shared_ptr<const Table> make_regexp_table(const TableSource& source) {
  return make_rules_table(
      source, [log = source.log](std::string_view text, const std::string& path, std::vector<std::string>& warnings) {
        return std::make_shared<PatternRules>(PatternRules::parse(kRegexpDialect, text, path, log, warnings));
      });
}

}  // namespace waypost::tables
