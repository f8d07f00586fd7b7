// What the tables that consist of rules (regexp:, pcre:, cidr:) have in common: their rules are in a file, which they
// follow, or between braces in the configuration.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tables/file_table.h"
#include "tables/types.h"

namespace waypost::tables {

// Reads rules: never fails, what is wrong is in the warnings. `path`: the file, or the inline text, for the warnings.
using ParseRules = std::function<std::shared_ptr<const Content>(std::string_view text, const std::string& path,
                                                                std::vector<std::string>& warnings)>;

std::shared_ptr<const Table> make_rules_table(const TableSource& source, ParseRules parse);

}  // namespace waypost::tables
