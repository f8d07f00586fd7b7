// The rows of a database file in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tables/database.h"
#include "tables/row_index.h"
#include "tables/text_rows.h"

namespace waypost::tables {

// Which records count: those with a NUL byte behind key and value, those without, or both, the former first.
enum class NulBytes : std::uint8_t { either, present, absent };

// As lookups see them: without NUL bytes. Blocking; waits up to about a second for the lock of a writer that works in
// place. `path`: of the source; errors read "open database FILE.db: ...".
Result<std::shared_ptr<RowIndex>> load_database_rows(const Database& database, const std::string& path,
                                                     NulBytes wanted = NulBytes::either);

// As they are stored, NUL bytes included, for rewriting the file: the caller holds its lock.
Result<std::shared_ptr<RowIndex>> load_raw_database_rows(const Database& database, const std::string& path);

struct DatabaseOrText {
  std::shared_ptr<RowIndex> rows;
  std::vector<std::string> warnings;
  std::string notice;  // why it is the text; empty: it is the database
};

// What hash:PATH, cdb:PATH ... stand for: PATH.db, or the text of PATH when that is newer or all there is. `name` is
// for the notice.
Result<DatabaseOrText> load_database_or_text(const Database& database, const std::string& path,
                                             const TextRowOptions& options, NulBytes wanted = NulBytes::either);

}  // namespace waypost::tables
