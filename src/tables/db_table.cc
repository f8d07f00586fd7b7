// hash: and btree: a path's .db file, or its source text when that is newer or all there is.
#include <fmt/format.h>

#include <string>

#include "base/text.h"
#include "tables/db_reader.h"
#include "tables/file_io.h"
#include "tables/file_table.h"
#include "tables/row_index.h"
#include "tables/source_file.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

std::unexpected<Error> cannot_open(const std::string& path, const Error& error) {
  return fail(error.code, fmt::format("open database {}: {}", path, error.text));
}

// Postfix compares with C strings: what follows a NUL byte does not exist.
std::string_view c_string(std::string_view bytes) { return bytes.substr(0, bytes.find('\0')); }

// A reader tries a key with its NUL byte first, then without (programs other than postmap write none).
Result<std::shared_ptr<RowIndex>> index_db(std::string_view bytes, DbKind kind) {
  auto rows = std::make_shared<RowIndex>();
  bool is_full = false, has_bare_keys = false;
  const auto done = for_each_db_record(bytes, kind, [&](std::string_view key, std::string_view value) {
    if (!key.ends_with('\0')) {
      has_bare_keys = true;
      return;
    }
    is_full = rows->add(c_string(key), c_string(value)) == RowIndex::Added::full || is_full;
  });
  if (!done) return std::unexpected(done.error());
  if (has_bare_keys) {
    const auto again = for_each_db_record(bytes, kind, [&](std::string_view key, std::string_view value) {
      if (key.find('\0') == std::string_view::npos) {
        is_full = rows->add(key, c_string(value)) == RowIndex::Added::full || is_full;
      }
    });
    if (!again) return std::unexpected(again.error());
  }
  if (is_full) return fail(Errc::invalid, "table too large");
  rows->shrink();
  return rows;
}

Result<Loaded> load_db(const std::string& path, DbKind kind) {
  const auto bytes = read_locked_file(path);
  if (!bytes) return cannot_open(path, bytes.error());
  auto rows = index_db(*bytes, kind);
  if (!rows) return cannot_open(path, rows.error());
  return Loaded{std::move(*rows), {}, {}};
}

Result<Loaded> load_text(const std::string& path) {
  const auto text = read_whole_file(path);
  if (!text) return cannot_open(path, text.error());
  Loaded loaded;
  auto rows = std::make_shared<RowIndex>();
  bool is_full = false;
  for_each_row(*text, path, {.ignored = " -- ignoring this line"}, loaded.warnings, [&](const Row& row) {
    const auto added = rows->add(to_lower(row.key), row.value);
    if (added == RowIndex::Added::duplicate) {
      loaded.warnings.push_back(fmt::format("{}, line {}: duplicate entry: \"{}\"", path, row.line, row.key));
    }
    is_full = added == RowIndex::Added::full;
    return !is_full;
  });
  if (is_full) return fail(Errc::invalid, fmt::format("{}: table too large", path));
  rows->shrink();
  loaded.content = std::move(rows);
  return loaded;
}

Result<Loaded> load(const std::string& name, const std::string& path, DbKind kind) {
  const std::string db_path = path + ".db";
  const FileStamp db = stamp_of(db_path);
  const FileStamp text = stamp_of(path);
  if (db.exists && (!text.exists || text.modified_ns <= db.modified_ns)) return load_db(db_path, kind);
  if (!text.exists) return load_db(db_path, kind);  // for the error that names the file Postfix would miss
  auto loaded = load_text(path);
  if (loaded) {
    loaded->notice = db.exists
                         ? fmt::format("table {}: {} is older than {}: using the text (postmap brings it up to date)",
                                       name, db_path, path)
                         : fmt::format("table {}: there is no {}: using the text of {}", name, db_path, path);
    return loaded;
  }
  if (!db.exists) return loaded;
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
