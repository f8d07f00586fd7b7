// hash: and btree: a path's .db file, or its source text when that is newer or all there is.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "tables/db_rows.h"
#include "tables/file_table.h"
#include "tables/text_rows.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

Result<Loaded> load_db(const std::string& db_path, DbKind kind) {
  auto rows = load_db_rows(db_path, kind);
  if (!rows) return std::unexpected(rows.error());
  return Loaded{std::move(*rows), {}, {}};
}

Result<Loaded> load_text(const std::string& path, std::string notice) {
  Loaded loaded;
  auto rows = load_text_rows(path, {.duplicates = Duplicates::warn}, loaded.warnings);
  if (!rows) return std::unexpected(rows.error());
  loaded.content = std::move(*rows);
  loaded.notice = std::move(notice);
  return loaded;
}

Result<Loaded> load(const std::string& name, const std::string& path, DbKind kind) {
  const std::string db_path = path + ".db";
  const FileStamp db = stamp_of(db_path);
  const FileStamp text = stamp_of(path);
  const bool is_fresh = db.exists && text.modified_ns <= db.modified_ns;
  // Without either file this gives the error that Postfix gives.
  if (is_fresh || !text.exists) return load_db(db_path, kind);
  const std::string why =
      db.exists ? fmt::format("{} is older than {}", db_path, path) : fmt::format("there is no {}", db_path);
  auto loaded = load_text(path, fmt::format("table {}: {}, using the text", name, why));
  if (loaded || !db.exists) return loaded;
  auto old = load_db(db_path, kind);
  if (old) old->warnings.push_back(fmt::format("database {} is older than source file {}", db_path, path));
  return old;
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
