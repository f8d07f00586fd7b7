// The part of postmap(1) and postalias(1) that writes database files. A file is built beside the old one and renamed
// over it: readers see the old table or the new one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/postmap_options.h"

namespace waypost::tools {

struct TableName {
  std::string type, path;

  std::string text() const { return type + ":" + path; }
};

// Whether both parts are there, as for a table that is opened.
Result<> check_name(const TableName& table);
// Reads `table.path` (build) or `text` (update) and writes the database file. `warnings` come in the order of the
// source. Errors carry Postfix's fatal text.
Result<> build_table(const TableName& table, const PostmapOptions& options, std::vector<std::string>& warnings);
Result<> update_table(const TableName& table, const PostmapOptions& options, std::string_view text,
                      std::vector<std::string>& warnings);
// Removes the keys; whether any was there.
Result<bool> remove_keys(const TableName& table, const PostmapOptions& options, const std::vector<std::string>& keys);

}  // namespace waypost::tools
