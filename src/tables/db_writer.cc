#include "tables/db_writer.h"

#include <db.h>
#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr int kFileMode = 0644;  // before the umask

std::unexpected<Error> failed(std::string_view doing, const std::string& path, int error) {
  const bool is_space = error == ENOSPC || error == EDQUOT;
  return fail(is_space ? Errc::no_space : Errc::io, fmt::format("{} {}: {}", doing, path, ::db_strerror(error)));
}

// libdb's messages go nowhere: its answers say it all.
void drop_message(const DB_ENV*, const char*, const char*) {}

DBT to_dbt(std::string_view bytes) {
  DBT dbt{};
  dbt.data = const_cast<char*>(bytes.data());
  dbt.size = static_cast<u_int32_t>(bytes.size());
  return dbt;
}

}  // namespace

struct DbWriter::Handles {
  std::string path;
  DB_ENV* environment = nullptr;
  DB* database = nullptr;

  Handles() = default;
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    if (database != nullptr) database->close(database, DB_NOSYNC);
    if (environment != nullptr) environment->close(environment, 0);
  }
};

DbWriter::DbWriter(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {}
DbWriter::DbWriter(DbWriter&&) noexcept = default;
DbWriter& DbWriter::operator=(DbWriter&&) noexcept = default;
DbWriter::~DbWriter() = default;

Result<DbWriter> DbWriter::create(const std::string& path, DbKind kind, std::uint32_t expected_rows) {
  const std::filesystem::path file = path;
  const std::string home = file.has_parent_path() ? file.parent_path().string() : ".";
  auto handles = std::make_unique<Handles>();
  handles->path = path;
  if (const int error = ::db_env_create(&handles->environment, 0)) return failed("open database", path, error);
  handles->environment->set_errcall(handles->environment, drop_message);
  handles->environment->set_cachesize(handles->environment, 0, kCacheBytes, 1);
  // An environment with a home of its own: else libdb reads a DB_CONFIG from wherever the command was started.
  constexpr u_int32_t kFlags = DB_INIT_MPOOL | DB_CREATE | DB_PRIVATE;
  if (const int error = handles->environment->open(handles->environment, home.c_str(), kFlags, 0)) {
    return failed("open database", path, error);
  }
  if (const int error = ::db_create(&handles->database, handles->environment, 0)) {
    handles->database = nullptr;
    return failed("open database", path, error);
  }
  DB* db = handles->database;
  if (kind == DbKind::hash) db->set_h_nelem(db, expected_rows);
  const std::string name = file.filename();
  if (const int error = db->open(db, nullptr, name.c_str(), nullptr, kind == DbKind::hash ? DB_HASH : DB_BTREE,
                                 DB_CREATE | DB_EXCL, kFileMode)) {
    return failed("open database", path, error);
  }
  return DbWriter(std::move(handles));
}

Result<> DbWriter::put(std::string_view key, std::string_view value) {
  DBT key_dbt = to_dbt(key), value_dbt = to_dbt(value);
  const int error = handles_->database->put(handles_->database, nullptr, &key_dbt, &value_dbt, DB_NOOVERWRITE);
  if (error != 0 && error != DB_KEYEXIST) return failed("error writing", handles_->path, error);
  return {};
}

Result<> DbWriter::finish() {
  DB* db = std::exchange(handles_->database, nullptr);
  const int error = db->close(db, 0);
  if (error != 0) return failed("flush database", handles_->path, error);
  return {};
}

}  // namespace waypost::tables
