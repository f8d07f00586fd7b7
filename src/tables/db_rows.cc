#include "tables/db_rows.h"

#include <fmt/format.h>

#include <string_view>

#include "tables/file_io.h"

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
  const auto bytes = read_locked_file(db_path);
  if (!bytes) return cannot_open(db_path, bytes.error());
  auto rows = std::make_shared<RowIndex>();
  const auto done = add_records(*rows, *bytes, kind, Keys::all_raw);
  if (!done) return cannot_open(db_path, done.error());
  return rows;
}

}  // namespace waypost::tables
