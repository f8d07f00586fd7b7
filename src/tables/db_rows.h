// The rows of a .db file in memory.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "tables/db_reader.h"
#include "tables/row_index.h"

namespace waypost::tables {

// As lookups see them: without the NUL bytes that postmap(1) puts behind keys and values. Blocking; waits up to about a
// second for the lock of a postmap that writes in place. Errors read "open database FILE.db: ...".
Result<std::shared_ptr<RowIndex>> load_db_rows(const std::string& db_path, DbKind kind);

// As they are stored, NUL bytes included, for rewriting the file.
Result<std::shared_ptr<RowIndex>> load_raw_db_rows(const std::string& db_path, DbKind kind);

}  // namespace waypost::tables
