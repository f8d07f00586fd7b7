// The rows that postmap(1) or postalias(1) finds in a source, put into an index in the form in which they are stored.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tables/database.h"
#include "tables/row_index.h"
#include "tools/postmap_build.h"
#include "tools/postmap_options.h"

namespace waypost::tools {

// Adds the rows of a source to what is there; `source` is its name in warnings. Those about duplicates read
// "PATH.db: duplicate entry: "k"", as Postfix says it.
Result<> add_source_rows(tables::RowIndex& rows, std::string_view text, const std::string& source,
                         const tables::Database& database, const TableName& table, const PostmapOptions& options,
                         std::vector<std::string>& warnings);

}  // namespace waypost::tools
