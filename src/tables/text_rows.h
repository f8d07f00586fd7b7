// Rows of tables that are text, read whole into an index: the source of hash: and btree:, texthash:, inline:.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tables/row_index.h"

namespace waypost::tables {

enum class Duplicates : std::uint8_t {
  refuse,      // the table is unusable
  warn,        // the first row stays: "FILE, line N: duplicate entry: "k""
  keep_first,  // silently
  replace,     // the last row stays
};

struct TextRowOptions {
  Duplicates duplicates = Duplicates::warn;
  bool fold = true;  // keys to lower case
  bool utf8 = false;
  // A file in which every row reads "name: value" is the source of an alias database: what newaliases would make of it.
  bool may_be_aliases = false;
};

// Blocking. Errors read "open database FILE: No such file or directory".
Result<std::shared_ptr<RowIndex>> load_text_rows(const std::string& path, const TextRowOptions& options,
                                                 std::vector<std::string>& warnings);

// "{key=value, {key2 = text with blanks}}". The error is the reason alone.
Result<RowIndex> parse_inline_rows(std::string_view text);

}  // namespace waypost::tables
