#include "tables/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tables/file_table.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

using MakeTable = std::shared_ptr<const Table> (*)(const TableSource&);

struct Type {
  std::string_view name;
  MakeTable make;  // null: Postfix has it, this program does not yet
};

constexpr std::array kTypes = {
    Type{"btree", make_db_table},
    Type{"cdb", nullptr},
    Type{"cidr", make_cidr_table},
    Type{"dbm", nullptr},
    Type{"environ", nullptr},
    Type{"fail", nullptr},
    Type{"hash", make_db_table},
    Type{"inline", make_inline_table},
    Type{"internal", nullptr},
    Type{"ldap", nullptr},
    Type{"lmdb", nullptr},
    Type{"memcache", nullptr},
    Type{"mongodb", nullptr},
    Type{"mysql", nullptr},
    Type{"netinfo", nullptr},
    Type{"nis", nullptr},
    Type{"nisplus", nullptr},
    Type{"pcre", nullptr},
    Type{"pgsql", nullptr},
    Type{"pipemap", nullptr},
    Type{"proxy", nullptr},
    Type{"randmap", nullptr},
    Type{"regexp", nullptr},
    Type{"sdbm", nullptr},
    Type{"socketmap", nullptr},
    Type{"sqlite", nullptr},
    Type{"static", make_static_table},
    Type{"tcp", nullptr},
    Type{"texthash", make_texthash_table},
    Type{"unionmap", nullptr},
    Type{"unix", nullptr},
};

const Type* find_type(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &Type::name);
  return found == kTypes.end() ? nullptr : found;
}

constexpr std::string_view kProxy = "proxy:";

}  // namespace

bool is_supported_type(std::string_view type) {
  const Type* found = find_type(type);
  return found != nullptr && found->make != nullptr;
}

std::vector<std::string_view> supported_types() {
  std::vector<std::string_view> names;
  for (const Type& type : kTypes) {
    // proxy:type:name is read by the registry itself
    if (type.make != nullptr || type.name == "proxy") names.push_back(type.name);
  }
  return names;
}

bool is_known_type(std::string_view type) { return find_type(type) != nullptr; }

TableRegistry::TableRegistry(Log log, const Clock& clock) : log_(std::move(log)), clock_(clock) {}

std::shared_ptr<const Table> TableRegistry::make(std::string_view type_name) const {
  const auto colon = type_name.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return std::make_shared<UnavailableTable>(std::string(type_name),
                                              fmt::format("bad table \"{}\"; need \"type:name\"", type_name), log_);
  }
  const auto type = type_name.substr(0, colon);
  const Type* found = find_type(type);
  if (found == nullptr) {
    return std::make_shared<UnavailableTable>(std::string(type_name),
                                              fmt::format("unsupported dictionary type: {}", type), log_);
  }
  if (found->make == nullptr) {
    return std::make_shared<UnavailableTable>(
        std::string(type_name), fmt::format("unsupported dictionary type: {} (Waypost does not have it yet)", type),
        log_);
  }
  return found->make({std::string(type), std::string(type_name.substr(colon + 1)), log_, clock_});
}

std::shared_ptr<const Table> TableRegistry::open(std::string_view type_name) {
  while (type_name.starts_with(kProxy)) type_name.remove_prefix(kProxy.size());
  const std::scoped_lock lock(mutex_);
  if (const auto found = tables_.find(type_name); found != tables_.end()) return found->second;
  return tables_.emplace(type_name, make(type_name)).first->second;
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
