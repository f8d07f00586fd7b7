// The rows of a .db file in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tables/db_reader.h"
#include "tables/row_index.h"
#include "tables/text_rows.h"

namespace waypost::tables {

// As lookups see them: without the NUL bytes that postmap(1) puts behind keys and values. Blocking; waits up to about a
// second for the lock of a postmap that writes in place. Errors read "open database FILE.db: ...".
Result<std::shared_ptr<RowIndex>> load_db_rows(const std::string& db_path, DbKind kind);

// As they are stored, NUL bytes included, for rewriting the file: the caller holds its lock.
Result<std::shared_ptr<RowIndex>> load_raw_db_rows(const std::string& db_path, DbKind kind);

struct DbOrText {
  std::shared_ptr<RowIndex> rows;
  std::vector<std::string> warnings;
  std::string notice;  // why it is the text; empty: it is the .db
};

// What hash:PATH and btree:PATH stand for: PATH.db, or the text of PATH when that is newer or all there is. `name` is
// for the notice.
Result<DbOrText> load_db_or_text(const std::string& name, const std::string& path, DbKind kind,
                                 const TextRowOptions& options);

}  // namespace waypost::tables
