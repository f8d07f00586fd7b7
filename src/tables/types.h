// One maker a table type; registry.cc names them. A maker never fails: what cannot work is an UnavailableTable, or a
// FileTable that waits for its file.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "tables/table.h"
#include "tables/table_settings.h"

namespace waypost::tables {

class RemoteWorkers;

struct TableSource {
  std::string type;      // "hash"
  std::string argument;  // what follows the colon: a path, "{k=v}", ...
  Log log;
  const Clock& clock;
  bool fold = true;  // keys to lower case, in tables of exact strings
  // Opens a table that this one is made of. To be called by the maker only.
  std::function<std::shared_ptr<const Table>(std::string_view type_name)> open_member;
  const TableSettings& settings;
  std::shared_ptr<RemoteWorkers> workers;  // of tables that ask a server

  std::string name() const { return type + ":" + argument; }
};

std::shared_ptr<const Table> make_database_table(const TableSource& source);  // hash, btree, cdb, lmdb
std::shared_ptr<const Table> make_texthash_table(const TableSource& source);
std::shared_ptr<const Table> make_cidr_table(const TableSource& source);
std::shared_ptr<const Table> make_regexp_table(const TableSource& source);
std::shared_ptr<const Table> make_pcre_table(const TableSource& source);
std::shared_ptr<const Table> make_inline_table(const TableSource& source);
std::shared_ptr<const Table> make_static_table(const TableSource& source);
std::shared_ptr<const Table> make_environ_table(const TableSource& source);
std::shared_ptr<const Table> make_unix_table(const TableSource& source);
std::shared_ptr<const Table> make_fail_table(const TableSource& source);
std::shared_ptr<const Table> make_internal_table(const TableSource& source);
std::shared_ptr<const Table> make_nis_table(const TableSource& source);
std::shared_ptr<const Table> make_union_table(const TableSource& source);
std::shared_ptr<const Table> make_pipe_table(const TableSource& source);
std::shared_ptr<const Table> make_random_table(const TableSource& source);
std::shared_ptr<const Table> make_ldap_table(const TableSource& source);
std::shared_ptr<const Table> make_memcache_table(const TableSource& source);
std::shared_ptr<const Table> make_mysql_table(const TableSource& source);
std::shared_ptr<const Table> make_pgsql_table(const TableSource& source);
std::shared_ptr<const Table> make_socketmap_table(const TableSource& source);
std::shared_ptr<const Table> make_sqlite_table(const TableSource& source);
std::shared_ptr<const Table> make_tcp_table(const TableSource& source);

// Every lookup answers Errc::unavailable; the reason is logged as an error when it is made, and as a warning at the
// first lookup.
class UnavailableTable final : public Table {
 public:
  UnavailableTable(std::string name, std::string reason, Log log);

  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return KeyStyle::whole_only; }
  Lookup find(std::string_view key) const override;
  const std::string& reason() const { return reason_; }

 private:
  std::string name_, reason_;
  Log log_;
  mutable std::atomic<bool> told_{false};
};

}  // namespace waypost::tables
