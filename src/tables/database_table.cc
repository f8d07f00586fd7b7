// hash: and btree: a path's .db file, or its source text when that is newer or all there is.
#include <string>
#include <utility>

#include "tables/db_rows.h"
#include "tables/file_table.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

Result<Loaded> load(const std::string& name, const std::string& path, DbKind kind) {
  auto found = load_db_or_text(name, path, kind, {.duplicates = Duplicates::warn});
  if (!found) return std::unexpected(found.error());
  return Loaded{std::move(found->rows), std::move(found->warnings), std::move(found->notice)};
}

}  // namespace

std::shared_ptr<const Table> make_db_table(const TableSource& source) {
  const DbKind kind = source.type == "btree" ? DbKind::btree : DbKind::hash;
  FileTableSpec spec;
  spec.name = source.name();
  spec.files = {source.argument, source.argument + ".db"};
  spec.load = [name = source.name(), path = source.argument, kind] { return load(name, path, kind); };
  return std::make_shared<FileTable>(std::move(spec), source.log, source.clock);
}

}  // namespace waypost::tables
