// unionmap:{type:name, ...}: asks every table and answers with all that was found, joined by commas. One that fails
// makes the whole fail.
#include <utility>

#include "tables/members.h"

namespace waypost::tables {
namespace {

class UnionTable final : public MemberTable {
 public:
  using MemberTable::MemberTable;

  Lookup find(std::string_view key) const override {
    std::string answers;
    for (const auto& member : members()) {
      const Lookup found = member->find(key);
      if (!found) return found;
      add(answers, *found);
    }
    return nothing_if_empty(std::move(answers));
  }

  net::Task<Lookup> find_later(std::string key) const override {
    std::string answers;
    for (const auto& member : members()) {
      const Lookup found = co_await find_in(*member, key);
      if (!found) co_return found;
      add(answers, *found);
    }
    co_return nothing_if_empty(std::move(answers));
  }

 private:
  static void add(std::string& answers, const std::optional<std::string>& answer) {
    if (!answer) return;
    if (!answers.empty()) answers += ',';
    answers += *answer;
  }
  static Lookup nothing_if_empty(std::string answers) {
    if (answers.empty()) return std::nullopt;
    return answers;
  }
};

}  // namespace

std::shared_ptr<const Table> make_union_table(const TableSource& source) {
  auto members = open_members(source);
  if (!members) return std::make_shared<UnavailableTable>(source.name(), members.error().text, source.log);
  return std::make_shared<UnionTable>(source.name(), std::move(*members));
}

}  // namespace waypost::tables
