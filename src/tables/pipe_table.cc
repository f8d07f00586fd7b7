// pipemap:{type:name, ...}: each table is asked for what the one before answered; the last answer counts.
#include <utility>

#include "tables/members.h"

namespace waypost::tables {
namespace {

class PipeTable final : public MemberTable {
 public:
  using MemberTable::MemberTable;

  Lookup find(std::string_view key) const override {
    std::string query(key);
    for (const auto& member : members()) {
      Lookup found = member->find(query);
      if (!found || !*found) return found;
      query = std::move(**found);
    }
    return query;
  }

  net::Task<Lookup> find_later(std::string key) const override {
    std::string query = std::move(key);
    for (const auto& member : members()) {
      Lookup found = co_await find_in(*member, query);
      if (!found || !*found) co_return found;
      query = std::move(**found);
    }
    co_return query;
  }
};

}  // namespace

std::shared_ptr<const Table> make_pipe_table(const TableSource& source) {
  auto members = open_members(source);
  if (!members) return std::make_shared<UnavailableTable>(source.name(), members.error().text, source.log);
  return std::make_shared<PipeTable>(source.name(), std::move(*members));
}

}  // namespace waypost::tables
