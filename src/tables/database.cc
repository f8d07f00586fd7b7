#include "tables/database.h"

#include <algorithm>
#include <utility>

#include "tables/cdb_file.h"
#include "tables/db_reader.h"
#include "tables/db_writer.h"
#include "tables/lmdb_file.h"

namespace waypost::tables {
namespace {

template <DbKind kind>
Result<> for_each_db(std::string_view bytes, const VisitRecord& visit) {
  return for_each_db_record(bytes, kind, visit);
}

template <DbKind kind>
Result<std::unique_ptr<DatabaseWriter>> create_db(const std::string& path, DatabaseSize size) {
  auto writer = DbWriter::create(path, kind, size.rows);
  if (!writer) return std::unexpected(writer.error());
  return std::make_unique<DbWriter>(std::move(*writer));
}

constexpr Database kDatabases[] = {
    {.type = "hash",
     .suffix = ".db",
     .opened_suffix = ".db",
     .nul_bytes = true,
     .can_change = true,
     .duplicate_name = "{}.db",
     .for_each_record = for_each_db<DbKind::hash>,
     .create = create_db<DbKind::hash>},
    {.type = "btree",
     .suffix = ".db",
     .opened_suffix = ".db",
     .nul_bytes = true,
     .can_change = true,
     .duplicate_name = "{}.db",
     .for_each_record = for_each_db<DbKind::btree>,
     .create = create_db<DbKind::btree>},
    {.type = "cdb",
     .suffix = ".cdb",
     .opened_suffix = ".cdb",
     .duplicate_name = "{}",
     .for_each_record = for_each_cdb_record,
     .create = create_cdb},
#ifdef WAYPOST_WITH_LMDB
    {.type = "lmdb",
     .suffix = ".lmdb",
     .nul_bytes = true,
     .can_change = true,
     .lock = FileLock::fcntl,
     .duplicate_name = "lmdb:{}",
     .for_each_record = for_each_lmdb_record,
     .create = create_lmdb},
#endif
};

}  // namespace

const Database* find_database(std::string_view type) {
  const auto* found = std::ranges::find(kDatabases, type, &Database::type);
  return found == std::end(kDatabases) ? nullptr : found;
}

}  // namespace waypost::tables
