// hash:, btree:, cdb: and lmdb: a path's database file, or its source text when that is newer or all there is.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "tables/database_rows.h"
#include "tables/file_table.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

Result<Loaded> load(const Database& database, const std::string& path) {
  auto found = load_database_or_text(database, path, {.duplicates = Duplicates::warn});
  if (!found) return std::unexpected(found.error());
  return Loaded{std::move(found->rows), std::move(found->warnings), std::move(found->notice)};
}

}  // namespace

std::shared_ptr<const Table> make_database_table(const TableSource& source) {
  const Database* const database = find_database(source.type);
  if (database == nullptr) {
    return std::make_shared<UnavailableTable>(source.name(),
                                              fmt::format("unsupported dictionary type: {}", source.type), source.log);
  }
  FileTableSpec spec;
  spec.name = source.name();
  spec.files = {source.argument, source.argument + std::string(database->suffix)};
  spec.load = [database, path = source.argument] { return load(*database, path); };
  return std::make_shared<FileTable>(std::move(spec), source.log, source.clock);
}

}  // namespace waypost::tables
