// "type:a, type:b": tables that are searched in order, the first that has the key answers (a *_maps parameter).
//
// A table that fails ends the search with Errc::unavailable and the line `warning: TYPE:NAME lookup error for "KEY"`:
// a later table must not answer for it. Cheap to copy. Any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/task.h"
#include "tables/registry.h"
#include "tables/table.h"

namespace waypost::tables {

// One key of a search.
struct Key {
  std::string text;
  bool partial = false;  // taken from a longer key: not shown to whole_only tables (regexp, cidr ...)

  bool operator==(const Key&) const = default;
};

class TableList {
 public:
  TableList() = default;  // finds nothing
  // Items are separated by commas or blanks; braces hold one together.
  TableList(std::string_view text, TableRegistry& registry);

  bool empty() const { return tables_.empty(); }
  const std::vector<std::shared_ptr<const Table>>& tables() const { return tables_; }

  net::Task<Lookup> find(Key key) const;
  // The first key that any of the tables has; each key goes through all tables before the next. See keys.h.
  net::Task<Lookup> find_first(std::vector<Key> keys) const;

 private:
  std::vector<std::shared_ptr<const Table>> tables_;
  std::shared_ptr<const Log> log_;
};

// Words between commas and blanks; a word that starts with '{' ends at the brace that closes it.
std::vector<std::string_view> split_list(std::string_view text);

}  // namespace waypost::tables
