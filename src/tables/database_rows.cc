#include "tables/db_rows.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "tables/file_io.h"
#include "tables/file_table.h"

namespace waypost::tables {
namespace {

std::unexpected<Error> cannot_open(const std::string& path, const Error& error) {
  return fail(error.code, fmt::format("open database {}: {}", path, error.text));
}

// Postfix compares with C strings: what follows a NUL byte does not exist.
std::string_view c_string(std::string_view bytes) { return bytes.substr(0, bytes.find('\0')); }

enum class Keys : std::uint8_t { with_nul, without_nul, all_raw };

// Adds the records whose keys are of one kind; true when there were others.
Result<bool> add_records(RowIndex& rows, std::string_view bytes, DbKind kind, Keys wanted) {
  bool is_full = false, has_others = false;
  const auto done = for_each_db_record(bytes, kind, [&](std::string_view key, std::string_view value) {
    const bool is_raw = wanted == Keys::all_raw;
    if (!is_raw && key.ends_with('\0') != (wanted == Keys::with_nul)) {
      has_others = true;
      return;
    }
    const auto added = is_raw ? rows.add(key, value) : rows.add(c_string(key), c_string(value));
    is_full = is_full || added == RowIndex::Added::full;
  });
  if (!done) return std::unexpected(done.error());
  if (is_full) return fail(Errc::invalid, "table too large");
  return has_others;
}

}  // namespace

// A reader tries a key with its NUL byte first, then without (programs other than postmap write none).
Result<std::shared_ptr<RowIndex>> load_db_rows(const std::string& db_path, DbKind kind) {
  const auto bytes = read_locked_file(db_path);
  if (!bytes) return cannot_open(db_path, bytes.error());
  auto rows = std::make_shared<RowIndex>();
  auto has_others = add_records(*rows, *bytes, kind, Keys::with_nul);
  if (has_others && *has_others) has_others = add_records(*rows, *bytes, kind, Keys::without_nul);
  if (!has_others) return cannot_open(db_path, has_others.error());
  rows->shrink();
  return rows;
}

Result<std::shared_ptr<RowIndex>> load_raw_db_rows(const std::string& db_path, DbKind kind) {
  const auto bytes = read_whole_file(db_path);
  if (!bytes) return cannot_open(db_path, bytes.error());
  auto rows = std::make_shared<RowIndex>();
  const auto done = add_records(*rows, *bytes, kind, Keys::all_raw);
  if (!done) return cannot_open(db_path, done.error());
  return rows;
}

Result<DbOrText> load_db_or_text(const std::string& name, const std::string& path, DbKind kind,
                                 const TextRowOptions& options) {
  const std::string db_path = path + ".db";
  const FileStamp db = stamp_of(db_path);
  const FileStamp text = stamp_of(path);
  DbOrText loaded;
  const bool is_fresh = db.exists && text.modified_ns <= db.modified_ns;
  if (!is_fresh && text.exists) {
    auto rows = load_text_rows(path, options, loaded.warnings);
    if (rows) {
      loaded.rows = std::move(*rows);
      loaded.notice = db.exists ? fmt::format("table {}: {} is older than {}, using the text", name, db_path, path)
                                : fmt::format("table {}: there is no {}, using the text", name, db_path);
      return loaded;
    }
    if (!db.exists) return std::unexpected(rows.error());
    loaded.warnings = {fmt::format("database {} is older than source file {}", db_path, path)};
  }
  // Without either file this gives the error that Postfix gives.
  auto rows = load_db_rows(db_path, kind);
  if (!rows) return std::unexpected(rows.error());
  loaded.rows = std::move(*rows);
  return loaded;
}

}  // namespace waypost::tables
