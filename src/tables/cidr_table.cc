// cidr: network patterns in order, the first that holds the address answers; if/endif blocks and '!'.
#include "tables/cidr_rules.h"
#include "tables/rules_table.h"

namespace waypost::tables {

std::shared_ptr<const Table> make_cidr_table(const TableSource& source) {
  return make_rules_table(source,
                          [](std::string_view text, const std::string& path, std::vector<std::string>& warnings) {
                            return std::make_shared<CidrRules>(CidrRules::parse(text, path, warnings));
                          });
}

}  // namespace waypost::tables
