// texthash: the source text itself, read whole. A duplicate key makes the table unusable, as in Postfix.
#include <string>
#include <utility>

#include "tables/file_table.h"
#include "tables/text_rows.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

Result<Loaded> load(const std::string& path) {
  Loaded loaded;
  auto rows = load_text_rows(path, {.duplicates = Duplicates::refuse}, loaded.warnings);
  if (!rows) return std::unexpected(rows.error());
  loaded.content = std::move(*rows);
  return loaded;
}

}  // namespace

std::shared_ptr<const Table> make_texthash_table(const TableSource& source) {
  FileTableSpec spec;
  spec.name = source.name();
  spec.files = {source.argument};
  spec.load = [path = source.argument] { return load(path); };
  return std::make_shared<FileTable>(std::move(spec), source.log, source.clock);
}

}  // namespace waypost::tables
