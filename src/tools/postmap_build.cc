#include "tools/postmap_build.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.h"
#include "tables/database.h"
#include "tables/database_rows.h"
#include "tables/file_io.h"
#include "tables/registry.h"
#include "tools/source_rows.h"
#include "tools/table_file.h"

namespace waypost::tools {
namespace {

using tables::Database;
using tables::RowIndex;

constexpr mode_t kGroupAndOthersWrite = 022, kGroupAndOthers = 077, kEverybody = 0777;
constexpr auto kOnlyAnew =
    "dict_cdb_open: inappropriate open flags for cdb database - specify O_RDONLY or O_WRONLY|O_CREAT|O_TRUNC";

bool is_one_of(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::ranges::find(types, type) != types.end();
}

// A table of which a file can be made.
Result<const Database*> database_to_build(const TableName& table) {
  if (table.type == "proxy") return fail(Errc::invalid, "can't create maps via the proxy service");
  if (table.type == "fail")
    return fail(Errc::io, fmt::format("table {}: write error: Application error", table.text()));
  if (const Database* database = tables::find_database(table.type)) return database;
  if (tables::is_supported_type(table.type)) {
    return fail(Errc::invalid,
                fmt::format("unsupported dictionary type: {} does not support bulk-mode creation.", table.type));
  }
  return fail(Errc::invalid,
              fmt::format("unsupported dictionary type: {0}. Is the postfix-{0} package installed?", table.type));
}

// A table of which single records can be changed.
Result<const Database*> database_to_change(const TableName& table) {
  if (auto named = check_name(table); !named) return std::unexpected(named.error());
  const Database* const database = tables::find_database(table.type);
  if (database != nullptr && database->can_change) return database;
  if (database != nullptr) return fail(Errc::unsupported, kOnlyAnew);
  if (!tables::is_supported_type(table.type)) {
    return fail(Errc::invalid, fmt::format("unsupported dictionary type: {}", table.type));
  }
  if (table.type == "fail")
    return fail(Errc::io, fmt::format("table {}: delete error: Application error", table.text()));
  if (is_one_of(table.type, {"static", "environ"})) {
    return fail(Errc::invalid, fmt::format("table {}: delete operation is not supported", table.text()));
  }
  return fail(Errc::invalid, fmt::format("{} map requires O_RDONLY access mode", table.text()));
}

// The file is told of by the name that it is to have.
Error renamed(Error error, const std::string& from, const std::string& to) {
  if (const auto at = error.text.find(from); at != std::string::npos) error.text.replace(at, from.size(), to);
  return error;
}

// The new file in the place of the old. `keep` says which rows stay.
template <class Keep>
Result<> write_rows(const RowIndex& rows, const Database& database, const std::string& file, const DatabaseLock& lock,
                    const std::optional<struct stat>& source, Keep keep) {
  NewFile replacement(file);
  // A file that is only ever made anew is a new file each time.
  const auto before = database.can_change ? lock.status() : std::nullopt;
  // Who may not read the old rows must not read the new ones while they are written.
  std::optional<Umask> mask;
  if (before) mask.emplace(~before->st_mode & kEverybody);
  tables::DatabaseSize size{static_cast<std::uint32_t>(rows.size()), 0};
  rows.for_each([&](std::string_view key, std::string_view value) { size.bytes += key.size() + value.size(); });
  auto writer = database.create(replacement.path(), size);
  if (!writer) return std::unexpected(renamed(writer.error(), replacement.path(), file));
  Result<> done;
  rows.for_each([&](std::string_view key, std::string_view value) {
    if (done && keep(key)) done = (*writer)->put(key, value);
  });
  if (done) done = (*writer)->finish();
  if (!done) return std::unexpected(renamed(done.error(), replacement.path(), file));
  return replacement.put_in_place(before, source);
}

constexpr auto kKeepAll = [](std::string_view) { return true; };

std::string file_of(const Database& database, const TableName& table) {
  return table.path + std::string(database.suffix);
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string root_owned_warning(const std::string& path, const std::string& directory) {
  return fmt::format(
      "Creating root-owned database file(s) {0}.* in non-root-owned directory {1}. Files {0}, {0}.*, and directory {1} "
      "should have the same owner. Please fix ownership to avoid a privilege-escalation attack.",
      path, directory);
}

// As whom and with which mode a file is made from this source, as long as the object lives.
class Maker {
 public:
  Maker(const TableName& table, const struct stat& source, const PostmapOptions& options,
        std::vector<std::string>& warnings) {
    const std::string directory = parent_of(table.path);
    if (options.as_owner) {
      struct stat parent{};
      const bool is_foreign = ::stat(directory.c_str(), &parent) == 0 && parent.st_uid != 0;
      if (::getuid() == 0 && source.st_uid == 0 && is_foreign) {
        warnings.push_back(root_owned_warning(table.path, directory));
      }
      identity_.emplace(source, directory);
      owner_ = source;
    }
    if (options.copy_mode && S_ISREG(source.st_mode)) {
      mask_.emplace(kGroupAndOthersWrite | (~source.st_mode & kGroupAndOthers));
    }
  }
  bool is_ok() const { return !identity_ || identity_->is_ok(); }
  // Who is to own a new file; nullopt: who makes it.
  const std::optional<struct stat>& owner() const { return owner_; }

 private:
  std::optional<Identity> identity_;
  std::optional<Umask> mask_;
  std::optional<struct stat> owner_;
};

}  // namespace

Result<> check_name(const TableName& table) {
  if (!table.type.empty() && !table.path.empty()) return {};
  return fail(Errc::invalid,
              fmt::format("open dictionary: expecting \"type:name\" form instead of \"{}\"", table.text()));
}

Result<> build_table(const TableName& table, const PostmapOptions& options, std::vector<std::string>& warnings) {
  if (table.type == "proxy") return std::unexpected(database_to_build(table).error());
  const auto text = tables::read_whole_file(table.path);
  if (!text) return fail(text.error().code, fmt::format("open {}: {}", table.path, text.error().text));
  const auto database = database_to_build(table);
  if (!database) return std::unexpected(database.error());
  struct stat source{};
  if (::stat(table.path.c_str(), &source) != 0) return system_error("fstat", table.path);
  const Maker maker(table, source, options, warnings);
  if (!maker.is_ok()) return system_error("become the owner of", table.path);
  const std::string file = file_of(**database, table);
  const auto lock = DatabaseLock::take(file);
  if (!lock) return std::unexpected(lock.error());
  RowIndex rows;
  auto added = add_source_rows(rows, *text, table.path, **database, table, options, warnings);
  if (!added) return added;
  return write_rows(rows, **database, file, *lock, maker.owner(), kKeepAll);
}

Result<> update_table(const TableName& table, const PostmapOptions& options, std::string_view text,
                      std::vector<std::string>& warnings) {
  const auto database = database_to_build(table);
  if (!database) return std::unexpected(database.error());
  if (!(*database)->can_change) return fail(Errc::unsupported, kOnlyAnew);
  struct stat source{};
  if (::fstat(STDIN_FILENO, &source) != 0) return system_error("fstat", table.path);
  const Maker maker(table, source, options, warnings);
  if (!maker.is_ok()) return system_error("become the owner of", table.path);
  const std::string file = file_of(**database, table);
  const auto lock = DatabaseLock::take(file);
  if (!lock) return std::unexpected(lock.error());
  auto rows = std::make_shared<RowIndex>();
  if (lock->status()) {
    auto old = tables::load_raw_database_rows(**database, table.path);
    if (!old) return std::unexpected(old.error());
    rows = std::move(*old);
  }
  auto added = add_source_rows(*rows, text, "stdin", **database, table, options, warnings);
  if (!added) return added;
  return write_rows(*rows, **database, file, *lock, maker.owner(), kKeepAll);
}

Result<bool> remove_keys(const TableName& table, const PostmapOptions& options, const std::vector<std::string>& keys) {
  const auto database = database_to_change(table);
  if (!database) return std::unexpected(database.error());
  const std::string file = file_of(**database, table);
  const auto lock = DatabaseLock::take(file);
  if (!lock) return std::unexpected(lock.error());
  const auto rows = tables::load_raw_database_rows(**database, table.path);
  if (!rows) return std::unexpected(rows.error());
  RowIndex doomed;
  for (const auto& given : keys) {
    const std::string key = options.fold ? to_lower(given) : given;
    const std::string with_nul = key + '\0';
    // With its NUL byte first, then without: one of them goes.
    if (options.nul_bytes != tables::NulBytes::absent && (*rows)->get(with_nul)) {
      doomed.add(with_nul, "");
    } else if (options.nul_bytes != tables::NulBytes::present && (*rows)->get(key)) {
      doomed.add(key, "");
    }
  }
  if (doomed.size() == 0) return false;
  const auto stays = [&](std::string_view key) { return !doomed.get(key).has_value(); };
  if (auto done = write_rows(**rows, **database, file, *lock, std::nullopt, stays); !done) {
    return std::unexpected(done.error());
  }
  return true;
}

}  // namespace waypost::tools
