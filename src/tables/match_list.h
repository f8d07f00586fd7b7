// A pattern list (mydestination, relay_domains, mynetworks, *_exceptions): items separated by commas or blanks, tried
// from left to right, the first that matches decides. `!item` excludes; `/file` stands for the items in that file;
// `type:name` is a table in which the key must exist. Names match without regard to case.
//
// A broken item (unreadable file, "10.1.2.3/8") does not spoil those before it: matching fails with Errc::unavailable
// when it gets there, as Postfix does. problems() names them at start.
// Immutable; its files and tables follow what is on disk. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/task.h"
#include "tables/match_items.h"
#include "tables/registry.h"
#include "tables/table_list.h"
#include "tables/types.h"

namespace waypost::tables {

struct MatchListOptions {
  // The list is named in parent_domain_matches_subdomains: "example.com" also matches its subdomains. Otherwise only
  // ".example.com" does.
  bool parent_domains = false;
};

class MatchList {
 public:
  MatchList() = default;  // matches nothing
  // `parameter` is the list's name in messages.
  MatchList(std::string parameter, std::string_view text, TableRegistry& registry, MatchListOptions options = {});
  // A list that is part of a table's definition: files are read once, as the definition is.
  MatchList(std::string parameter, std::string_view text, const TableSource& source, MatchListOptions options = {});

  bool empty() const { return items_ == nullptr || items_->items().empty(); }
  // True: no table in it waits for a network. Tables that its files name are not looked at.
  bool immediate() const;

  // The whole string against each item: mydestination, virtual_alias_domains.
  net::Task<Result<bool>> matches_string(std::string text) const;
  // The same without waiting; a table that would wait fails.
  Result<bool> matches_string_at_once(std::string text) const;
  // A domain name, with parents: relay_domains.
  net::Task<Result<bool>> matches_domain(std::string name) const;
  // A client or host by name and address (either may be empty), item by item: mynetworks.
  net::Task<Result<bool>> matches_host(std::string name, std::string address) const;

  const std::vector<std::string>& problems() const { return problems_; }

 private:
  enum class Subject : std::uint8_t { string, domain, address };
  // What is looked for. `folded` is in lower case.
  struct Query {
    Subject subject;
    std::string_view folded;
    bool at_once = false;  // nothing may wait
  };
  using Decision = Result<std::optional<bool>>;  // nullopt: no item matched

  Result<bool> pattern_matches(const MatchItem& item, const Query& query) const;
  std::vector<Key> table_keys(const Query& query) const;
  net::Task<Result<bool>> table_matches(const Table& table, const Query& query) const;
  net::Task<Decision> decide_in(const ListFile& file, std::span<const Query> queries) const;
  net::Task<Decision> decide(const MatchItems& items, std::span<const Query> queries) const;
  net::Task<Result<bool>> matches(std::span<const Query> queries) const;

  std::string parameter_;
  MatchListOptions options_;
  std::shared_ptr<const MatchItems> items_;  // null: none
  std::vector<std::string> problems_;
};

}  // namespace waypost::tables
