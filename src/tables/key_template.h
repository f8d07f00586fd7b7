// The templates of SQL, LDAP and memcache tables: a query or a result with %-expansions of the key and of the value.
//
//   %%        a percent sign
//   %s %u %d  the value, its part before the last '@', its domain. In a query the value is the key
//   %S %U %D  the same of the key
//   %1 ... %9 the labels of the key's domain, %1 the rightmost
//
// A key without what a template asks for (no domain, an empty local part, too few labels) cannot be in the table: it is
// not looked up. Every expanded part goes through the caller's quoting. Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace waypost::tables {

// Makes text harmless for where it stands. Appends to `out`.
using Quote = std::function<void(std::string_view text, std::string& out)>;

// What a key must have to be looked up.
struct KeyNeeds {
  bool user = false, domain = false;
  std::size_t labels = 0;

  bool met_by(std::string_view key) const;
  void add(const KeyNeeds& other);
};

class KeyTemplate {
 public:
  enum class Use : unsigned char { query, result };

  // Errc::invalid: "Invalid query template: ...".
  static Result<KeyTemplate> parse(std::string_view text, Use use);

  const KeyNeeds& key_needs() const { return needs_; }
  // True when an expansion depends on the key or value.
  bool is_dynamic() const { return is_dynamic_; }
  bool is_plain() const { return is_plain_; }  // "%s"

  // For queries. `key` meets key_needs().
  std::string expand_query(std::string_view key, const Quote& quote) const;
  // For results. nullopt: the value is empty, or lacks the domain or local part that the template asks for; it does not
  // count. `key` meets key_needs().
  std::optional<std::string> expand_result(std::string_view value, std::string_view key) const;

 private:
  struct Piece {
    std::string text;  // literal, when `kind` is 0
    char kind = 0;     // s u d S U D 1 ... 9
  };

  void add_expansion(char kind);
  std::string expand(std::string_view value, std::string_view key, const Quote& quote) const;

  Use use_ = Use::query;
  std::vector<Piece> pieces_;
  KeyNeeds needs_;
  bool value_user_ = false, value_domain_ = false;  // results only
  bool is_dynamic_ = false, is_plain_ = false;
};

// Expansions of `query` that stand outside of '' quotes, as "%s": there quoting cannot protect.
std::vector<std::string> unquoted_expansions(std::string_view query);

}  // namespace waypost::tables
