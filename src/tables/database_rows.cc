#include "tables/database_rows.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "tables/file_io.h"
#include "tables/followed_files.h"

namespace waypost::tables {
namespace {

std::unexpected<Error> cannot_open(const std::string& path, const Error& error) {
  return fail(error.code, fmt::format("open database {}: {}", path, error.text));
}

// Postfix compares with C strings: what follows a NUL byte does not exist.
std::string_view c_string(std::string_view bytes) { return bytes.substr(0, bytes.find('\0')); }

// Adds the records whose keys have a NUL byte behind them, or those that have none. True when there were others.
Result<bool> add_records(RowIndex& rows, std::string_view bytes, const Database& database, bool with_nul) {
  bool is_full = false, has_others = false;
  const auto done = database.for_each_record(bytes, [&](std::string_view key, std::string_view value) {
    if (key.ends_with('\0') != with_nul) {
      has_others = true;
      return;
    }
    is_full = rows.add(c_string(key), c_string(value)) == RowIndex::Added::full || is_full;
  });
  if (!done) return std::unexpected(done.error());
  if (is_full) return fail(Errc::invalid, "table too large");
  return has_others;
}

Result<std::shared_ptr<RowIndex>> rows_of(std::string_view bytes, const Database& database, NulBytes wanted) {
  auto rows = std::make_shared<RowIndex>();
  Result<bool> has_others = true;
  if (wanted != NulBytes::absent) has_others = add_records(*rows, bytes, database, true);
  if (has_others && *has_others && wanted != NulBytes::present) has_others = add_records(*rows, bytes, database, false);
  if (!has_others) return std::unexpected(has_others.error());
  rows->shrink();
  return rows;
}

}  // namespace

// A reader tries a key with its NUL byte first, then without (programs other than postmap write none).
Result<std::shared_ptr<RowIndex>> load_database_rows(const Database& database, const std::string& path,
                                                     NulBytes wanted) {
  const std::string file = path + std::string(database.suffix);
  const auto bytes = read_locked_file(file, database.lock);
  if (!bytes) return cannot_open(file, bytes.error());
  auto rows = rows_of(*bytes, database, wanted);
  if (!rows) return cannot_open(file, rows.error());
  return rows;
}

Result<std::shared_ptr<RowIndex>> load_raw_database_rows(const Database& database, const std::string& path) {
  const std::string file = path + std::string(database.suffix);
  const auto bytes = read_whole_file(file);
  if (!bytes) return cannot_open(file, bytes.error());
  auto rows = std::make_shared<RowIndex>();
  bool is_full = false;
  const auto done = database.for_each_record(*bytes, [&](std::string_view key, std::string_view value) {
    is_full = rows->add(key, value) == RowIndex::Added::full || is_full;
  });
  if (!done) return cannot_open(file, done.error());
  if (is_full) return cannot_open(file, {Errc::invalid, "table too large"});
  return rows;
}

Result<DatabaseOrText> load_database_or_text(const Database& database, const std::string& path,
                                             const TextRowOptions& options, NulBytes wanted) {
  const std::string file = path + std::string(database.suffix), name = fmt::format("{}:{}", database.type, path);
  const FileStamp built = stamp_of(file);
  const FileStamp text = stamp_of(path);
  DatabaseOrText loaded;
  const bool is_fresh = built.exists && text.modified_ns <= built.modified_ns;
  if (!is_fresh && text.exists) {
    TextRowOptions text_options = options;
    text_options.may_be_aliases = true;
    auto rows = load_text_rows(path, text_options, loaded.warnings);
    if (rows) {
      loaded.rows = std::move(*rows);
      loaded.notice = built.exists ? fmt::format("table {}: {} is older than {}, using the text", name, file, path)
                                   : fmt::format("table {}: there is no {}, using the text", name, file);
      return loaded;
    }
    if (!built.exists) return std::unexpected(rows.error());
    loaded.warnings = {fmt::format("database {} is older than source file {}", file, path)};
  }
  // Without either file this gives the error that Postfix gives.
  auto rows = load_database_rows(database, path, wanted);
  if (!rows) return std::unexpected(rows.error());
  loaded.rows = std::move(*rows);
  return loaded;
}

}  // namespace waypost::tables
