// The tables that a unionmap: or pipemap: is made of.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tables/table.h"
#include "tables/types.h"

namespace waypost::tables {

// "{type:name, type:name ...}", at least one. The error is Postfix's reason: `bad syntax: "pipemap:x"; need ...`.
Result<std::vector<std::shared_ptr<const Table>>> open_members(const TableSource& source);

// The words between the braces of "{a, b ...}", at least one; `item` is what they are called in the error.
Result<std::vector<std::string_view>> member_words(const TableSource& source, std::string_view item);

// A lookup in one of several: awaits the tables that are not immediate.
net::Task<Lookup> find_in(const Table& table, std::string key);

// What they have in common: the first member says which keys are worth asking, and none may wait where one does.
class MemberTable : public Table {
 public:
  MemberTable(std::string name, std::vector<std::shared_ptr<const Table>> members);

  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return members_.front()->key_style(); }
  bool immediate() const override { return is_immediate_; }

 protected:
  const std::vector<std::shared_ptr<const Table>>& members() const { return members_; }

 private:
  std::string name_;
  std::vector<std::shared_ptr<const Table>> members_;
  bool is_immediate_;
};

}  // namespace waypost::tables
