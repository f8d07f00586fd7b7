// sqlite:/x.cf: sqlite_table(5). The database is opened for reading only. A file that took its place is opened anew.
#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>
#include <string>
#include <utility>

#include "base/text.h"
#include "tables/defined_table.h"
#include "tables/followed_files.h"
#include "tables/sql_lookup.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

constexpr int kStepsBetweenChecks = 10'000;  // of SQLite's virtual machine: well below a millisecond

struct SqliteSettings {
  SqlQuery query;
  std::string path;
};

struct CloseDatabase {
  void operator()(sqlite3* database) const { ::sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

void quote(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
}

// For a database that another process has locked.
int waits_on(void* patience, int) {
  constexpr std::chrono::milliseconds kPause{10};
  return static_cast<const Patience*>(patience)->pause(kPause) ? 1 : 0;
}

int is_interrupted(void* patience) { return static_cast<const Patience*>(patience)->is_over() ? 1 : 0; }

class SqliteClient final : public RemoteClient {
 public:
  explicit SqliteClient(std::shared_ptr<const SqliteSettings> settings) : settings_(std::move(settings)) {}

  Lookup find(std::string_view key, const Patience& patience) override {
    if (const auto opened = open(); !opened) return std::unexpected(opened.error());
    Patience limit = patience;  // the database wants a pointer
    ::sqlite3_busy_handler(database_.get(), waits_on, &limit);
    ::sqlite3_progress_handler(database_.get(), kStepsBetweenChecks, is_interrupted, &limit);
    auto answer = ask(key);
    ::sqlite3_busy_handler(database_.get(), nullptr, nullptr);
    ::sqlite3_progress_handler(database_.get(), 0, nullptr, nullptr);
    if (!answer) database_.reset();
    return answer;
  }

 private:
  Result<> open() {
    const auto stamp = stamp_of(settings_->path);
    if (database_ != nullptr && stamp.inode == stamp_.inode && stamp.device == stamp_.device) return {};
    stamp_ = stamp;
    sqlite3* opened = nullptr;
    const int status =
        ::sqlite3_open_v2(settings_->path.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(opened);
    if (status == SQLITE_OK) return {};
    auto failure =
        fail(Errc::unavailable, fmt::format("{}: open database {}: {}", settings_->query.table, settings_->path,
                                            opened != nullptr ? ::sqlite3_errmsg(opened) : "out of memory"));
    database_.reset();
    return failure;
  }

  std::unexpected<Error> failed(std::string_view doing) const {
    return fail(Errc::unavailable,
                fmt::format("{}: {}: {}", settings_->query.table, doing, ::sqlite3_errmsg(database_.get())));
  }

  // The first column of each row counts, and the first statement.
  Lookup ask(std::string_view key) {
    const auto query = settings_->query.query.expand_query(key, quote);
    sqlite3_stmt* prepared = nullptr;
    if (::sqlite3_prepare_v2(database_.get(), query.data(), static_cast<int>(query.size()), &prepared, nullptr) !=
        SQLITE_OK) {
      return failed("SQL prepare failed");
    }
    const StatementHandle statement(prepared);
    ValueList values(settings_->query.result_format, settings_->query.expansion_limit, key);
    while (true) {
      const int status = ::sqlite3_step(prepared);
      if (status == SQLITE_DONE) return values.take();
      if (status != SQLITE_ROW) return failed("SQL step failed");
      const auto* text = reinterpret_cast<const char*>(::sqlite3_column_text(prepared, 0));
      if (text == nullptr) continue;
      const auto added = values.add({text, static_cast<std::size_t>(::sqlite3_column_bytes(prepared, 0))});
      if (!added) return fail(Errc::unavailable, fmt::format("{}: {}", settings_->query.table, added.error().text));
    }
  }

  std::shared_ptr<const SqliteSettings> settings_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  FileStamp stamp_;
};

}  // namespace

std::shared_ptr<const Table> make_sqlite_table(const TableSource& source) {
  return make_defined_table(source, [&](TableDefinition& definition, RemoteSpec& spec) -> Result<> {
    auto query = SqlQuery::read(definition, source.name());
    if (!query) return std::unexpected(query.error());
    read_sql_limits(definition, *query, spec);
    if (!definition.has("dbpath")) return fail(Errc::invalid, "bad string length 0 < 1: dbpath =");
    const auto settings = std::make_shared<const SqliteSettings>(std::move(*query), definition.text("dbpath"));
    spec.make_client = [settings] { return std::make_unique<SqliteClient>(settings); };
    return {};
  });
}

}  // namespace waypost::tables
