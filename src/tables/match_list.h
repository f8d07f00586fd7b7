// A pattern list (mydestination, relay_domains, mynetworks, *_exceptions): items separated by commas or blanks, tried
// from left to right, the first that matches decides. `!item` excludes; `/file` stands for the items in that file;
// `type:name` is a table in which the key must exist. Names match without regard to case.
//
// A broken item (unreadable file, "10.1.2.3/8") does not spoil those before it: matching fails with Errc::unavailable
// when it gets there, as Postfix does. problems() names them at start.
// Immutable, tables behind it follow their files; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "net/task.h"
#include "tables/cidr.h"
#include "tables/registry.h"
#include "tables/table_list.h"

namespace waypost::tables {

struct MatchListOptions {
  // The list is named in parent_domain_matches_subdomains: "example.com" also matches its subdomains. Otherwise only
  // ".example.com" does.
  bool parent_domains = false;
};

class MatchList {
 public:
  static constexpr std::size_t kMaxItems = 1'000'000;
  static constexpr int kMaxFileDepth = 20;

  MatchList() = default;  // matches nothing
  // `parameter` is the list's name in messages.
  MatchList(std::string parameter, std::string_view text, TableRegistry& registry, MatchListOptions options = {});
  // The same with tables from elsewhere, for a list that is part of a table.
  using OpenTable = std::function<std::shared_ptr<const Table>(std::string_view type_name)>;
  MatchList(std::string parameter, std::string_view text, const OpenTable& open, MatchListOptions options = {});

  bool empty() const { return items_.empty(); }

  // The whole string against each item: mydestination, virtual_alias_domains.
  net::Task<Result<bool>> matches_string(std::string text) const;
  // A domain name, with parents: relay_domains.
  net::Task<Result<bool>> matches_domain(std::string name) const;
  // A client or host by name and address (either may be empty), item by item: mynetworks.
  net::Task<Result<bool>> matches_host(std::string name, std::string address) const;

  const std::vector<std::string>& problems() const { return problems_; }

 private:
  struct Broken {
    std::string reason;
    bool is_network = false;  // fails for addresses of its family only, as a string it is compared
  };
  struct Item {
    bool match = true;  // false: "!item"
    std::string text;   // folded to lower case
    std::variant<std::monostate, Cidr, std::shared_ptr<const Table>, Broken> what;
  };
  enum class Subject : std::uint8_t { string, domain, address };

  void add_items(std::string_view text, bool match, int depth, const OpenTable& open);
  void add_file(std::string_view path, bool match, int depth, const OpenTable& open);
  void add_pattern(std::string_view text, bool match);
  void add_broken(std::string_view text, bool match, Broken broken);

  Result<bool> pattern_matches(const Item& item, Subject subject, std::string_view folded) const;
  std::vector<Key> table_keys(Subject subject, std::string_view folded) const;
  net::Task<Result<bool>> table_matches(const Table& table, std::vector<Key> keys) const;
  net::Task<Result<bool>> matches(Subject subject, std::string text) const;

  std::string parameter_;
  MatchListOptions options_;
  std::vector<Item> items_;
  std::vector<std::string> problems_;
};

}  // namespace waypost::tables
