// The source of an alias database, as postalias(1) reads it: logical lines "name: value, value ...", in which names and
// values are made of RFC 822 tokens: atoms, "quoted strings", (comments). See aliases(5).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::tables {

struct AliasRow {
  std::string name;   // without quotes, as it was written otherwise
  std::string value;  // quoted where it must be, blanks between values normalised
  int line = 0;
};

// Calls `on_row` for each good row in order; false from it ends the reading. Lines that are no alias are skipped with a
// warning in Postfix's words: "FILE, line N: need name:value pair", "... name must be local". `utf8`: skip lines that
// are not UTF-8.
void for_each_alias(std::string_view content, std::string_view path, bool utf8, std::vector<std::string>& warnings,
                    const std::function<bool(const AliasRow&)>& on_row);

// Does every line have the form "name: value"? False for an empty file. Reads to the first line that has not.
bool is_alias_source(std::string_view content);

}  // namespace waypost::tables
