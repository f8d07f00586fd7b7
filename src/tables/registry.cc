#include "tables/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tables/file_table.h"
#include "tables/remote_table.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

using MakeTable = std::shared_ptr<const Table> (*)(const TableSource&);

struct Type {
  std::string_view name;
  MakeTable make;             // null: Postfix has it, this program does not
  std::string_view why = "";  // it does not; empty: not yet
};

constexpr std::string_view kNoReader = "Waypost does not read its files; make a cdb, lmdb or hash table of the source";
constexpr std::string_view kNoClient = "Waypost has no client for this service";
#ifdef WAYPOST_WITH_LMDB
constexpr Type kLmdb{"lmdb", make_database_table};
#else
constexpr Type kLmdb{"lmdb", nullptr, "built without liblmdb"};
#endif
#ifdef WAYPOST_WITH_PCRE
constexpr Type kPcre{"pcre", make_pcre_table};
#else
constexpr Type kPcre{"pcre", nullptr, "built without libpcre2"};
#endif
#ifdef WAYPOST_WITH_LDAP
constexpr Type kLdap{"ldap", make_ldap_table};
#else
constexpr Type kLdap{"ldap", nullptr, "built without libldap"};
#endif
#ifdef WAYPOST_WITH_MYSQL
constexpr Type kMysql{"mysql", make_mysql_table};
#else
constexpr Type kMysql{"mysql", nullptr, "built without libmariadb"};
#endif
#ifdef WAYPOST_WITH_PGSQL
constexpr Type kPgsql{"pgsql", make_pgsql_table};
#else
constexpr Type kPgsql{"pgsql", nullptr, "built without libpq"};
#endif
#ifdef WAYPOST_WITH_SQLITE
constexpr Type kSqlite{"sqlite", make_sqlite_table};
#else
constexpr Type kSqlite{"sqlite", nullptr, "built without libsqlite3"};
#endif

constexpr std::array kTypes = {
    Type{"btree", make_database_table},
    Type{"cdb", make_database_table},
    Type{"cidr", make_cidr_table},
    Type{"dbm", nullptr, kNoReader},
    Type{"environ", make_environ_table},
    Type{"fail", make_fail_table},
    Type{"hash", make_database_table},
    Type{"inline", make_inline_table},
    Type{"internal", make_internal_table},
    kLdap,
    kLmdb,
    Type{"memcache", make_memcache_table},
    Type{"mongodb", nullptr, kNoClient},
    kMysql,
    Type{"netinfo", nullptr, kNoClient},
    Type{"nis", make_nis_table},
    Type{"nisplus", nullptr, kNoClient},
    kPcre,
    kPgsql,
    Type{"pipemap", make_pipe_table},
    Type{"randmap", make_random_table},
    Type{"regexp", make_regexp_table},
    Type{"sdbm", nullptr, kNoReader},
    Type{"socketmap", make_socketmap_table},
    kSqlite,
    Type{"static", make_static_table},
    Type{"tcp", make_tcp_table},
    Type{"texthash", make_texthash_table},
    Type{"unionmap", make_union_table},
    Type{"unix", make_unix_table},
};

const Type* find_type(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &Type::name);
  return found == kTypes.end() ? nullptr : found;
}

constexpr std::string_view kProxyType = "proxy", kProxy = "proxy:";

}  // namespace

bool is_supported_type(std::string_view type) {
  const Type* found = find_type(type);
  return type == kProxyType || (found != nullptr && found->make != nullptr);
}

bool is_known_type(std::string_view type) { return type == kProxyType || find_type(type) != nullptr; }

std::vector<std::string_view> supported_types() {
  std::vector<std::string_view> types{kProxyType};
  for (const Type& type : kTypes) {
    if (type.make != nullptr) types.push_back(type.name);
  }
  std::ranges::sort(types);
  return types;
}

TableRegistry::TableRegistry(Log log, const Clock& clock, bool fold, TableSettings settings,
                             std::shared_ptr<RemoteWorkers> workers)
    : log_(std::move(log)),
      clock_(clock),
      fold_(fold),
      settings_(std::move(settings)),
      workers_(workers ? std::move(workers) : std::make_shared<RemoteWorkers>()) {}

std::shared_ptr<const Table> TableRegistry::make(std::string_view type_name, int depth) {
  const auto unavailable = [&](std::string reason) {
    return std::make_shared<UnavailableTable>(std::string(type_name), std::move(reason), log_);
  };
  const auto colon = type_name.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == type_name.size()) {
    return unavailable(fmt::format("open dictionary: expecting \"type:name\" form instead of \"{}\"", type_name));
  }
  const auto type = type_name.substr(0, colon);
  const Type* found = find_type(type);
  if (found == nullptr) return unavailable(fmt::format("unsupported dictionary type: {}", type));
  if (found->make == nullptr) {
    const auto why = found->why.empty() ? "Waypost does not have it yet" : found->why;
    return unavailable(fmt::format("unsupported dictionary type: {} ({})", type, why));
  }
  if (depth == kMaxDepth) return unavailable("too many tables within tables");
  return found->make({std::string(type), std::string(type_name.substr(colon + 1)), log_, clock_, fold_,
                      [this, depth](std::string_view member) { return open_locked(member, depth + 1); }, settings_,
                      workers_});
}

std::shared_ptr<const Table> TableRegistry::open_locked(std::string_view type_name, int depth) {
  while (type_name.starts_with(kProxy) && type_name != kProxy) type_name.remove_prefix(kProxy.size());
  if (const auto found = tables_.find(type_name); found != tables_.end()) return found->second;
  auto table = make(type_name, depth);
  return tables_.emplace(type_name, std::move(table)).first->second;
}

std::shared_ptr<const Table> TableRegistry::open(std::string_view type_name) {
  const std::scoped_lock lock(mutex_);
  return open_locked(type_name, 0);
}

std::shared_ptr<TableRegistry> TableRegistry::sibling() const {
  return std::make_shared<TableRegistry>(log_, clock_, fold_, settings_, workers_);
}

std::vector<std::string> TableRegistry::problems() const {
  std::vector<std::string> found;
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, table] : tables_) {
    std::string reason;
    if (const auto* broken = dynamic_cast<const UnavailableTable*>(table.get())) reason = broken->reason();
    if (const auto* file = dynamic_cast<const FileTable*>(table.get())) reason = file->problem();
    if (!reason.empty()) found.push_back(fmt::format("{} is unavailable. {}", name, reason));
  }
  return found;
}

}  // namespace waypost::tables
