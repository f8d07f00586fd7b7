#include "tables/ldap_lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.h"
#include "tables/ldap_connection.h"
#include "tables/ldap_quote.h"
#include "tables/value_list.h"

namespace waypost::tables {
namespace {

struct FreeValues {
  void operator()(berval** values) const { ::ldap_value_free_len(values); }
};
using Values = std::unique_ptr<berval*[], FreeValues>;

struct FreeUrl {
  void operator()(LDAPURLDesc* url) const { ::ldap_free_urldesc(url); }
};

std::string_view text_of(const berval& value) { return {value.bv_val, value.bv_len}; }

// RFC 4511 §4.1.8: a description without options covers those with ("mail" covers "mail;lang-de").
bool covers(std::string_view general, std::string_view special) {
  if (!istarts_with(special, general)) return false;
  return special.size() == general.size() || special[general.size()] == ';';
}

// Takes the values out of what a search found, and follows what special attributes point to.
class Collector {
 public:
  Collector(const LdapSettings& settings, LdapConnection& connection, std::string_view key, const Patience& patience)
      : settings_(settings),
        connection_(connection),
        patience_(patience),
        values_(settings.result_format, settings.expansion_limit, key) {}

  Result<> add_entries(const std::vector<LdapMessage>& entries, std::int64_t depth);
  Lookup take() { return values_.take(); }

 private:
  struct Entry {
    LDAPMessage* message = nullptr;
    bool is_terminal = false;  // only its terminal attributes count
    bool is_leaf = true;       // nothing special: its leaf attributes count
    std::int64_t depth = 0;
  };

  Values values_of(const Entry& entry, const std::string& attribute) const {
    return Values(::ldap_get_values_len(connection_.handle(), entry.message, attribute.c_str()));
  }
  bool has_any(const Entry& entry, std::size_t first, std::size_t end) const;
  Result<> add_entry(const Entry& entry);
  Result<> add_attribute(const Entry& entry, const std::string& name);
  Result<> follow(std::string_view reference, std::int64_t depth);
  Result<LdapConnection::Search> search_for(std::string_view reference) const;
  std::unexpected<Error> failed(std::int64_t depth, std::string_view reason) const {
    return fail(Errc::unavailable, fmt::format("dict_ldap_get_values[{}]: {}: {}", depth, settings_.table, reason));
  }

  const LdapSettings& settings_;
  LdapConnection& connection_;
  const Patience& patience_;
  ValueList values_;
};

bool Collector::has_any(const Entry& entry, std::size_t first, std::size_t end) const {
  for (std::size_t i = first; i < end; ++i) {
    const auto values = values_of(entry, settings_.attributes[i]);
    if (values != nullptr && ::ldap_count_values_len(values.get()) > 0) return true;
  }
  return false;
}

Result<> Collector::add_entries(const std::vector<LdapMessage>& entries, std::int64_t depth) {
  if (settings_.size_limit > 0 && entries.size() > static_cast<std::size_t>(settings_.size_limit)) {
    return failed(depth, fmt::format("Query size limit ({}) exceeded", settings_.size_limit));
  }
  for (const auto& message : entries) {
    Entry entry{message.get(), false, true, depth};
    entry.is_terminal = has_any(entry, 0, settings_.terminal_end);
    const bool has_leaves = settings_.leaf_end > settings_.terminal_end;
    if (!entry.is_terminal && has_leaves) {
      entry.is_leaf = !has_any(entry, settings_.ordinary_end, settings_.attributes.size());
    }
    if (auto added = add_entry(entry); !added) return added;
  }
  return {};
}

Result<> Collector::add_entry(const Entry& entry) {
  BerElement* position = nullptr;
  std::vector<std::string> names;
  char* name = ::ldap_first_attribute(connection_.handle(), entry.message, &position);
  for (; name != nullptr; name = ::ldap_next_attribute(connection_.handle(), entry.message, position)) {
    names.emplace_back(name);
    ::ldap_memfree(name);
  }
  if (position != nullptr) ::ber_free(position, 0);
  for (const auto& one : names) {
    if (auto added = add_attribute(entry, one); !added) return added;
  }
  return {};
}

Result<> Collector::add_attribute(const Entry& entry, const std::string& name) {
  const auto& known = settings_.attributes;
  const auto found = std::ranges::find_if(known, [&](const auto& general) { return covers(general, name); });
  if (found == known.end()) return {};
  const auto index = static_cast<std::size_t>(found - known.begin());
  const bool is_ordinary = index < settings_.ordinary_end;
  if (entry.is_terminal ? index >= settings_.terminal_end : !entry.is_leaf && index < settings_.leaf_end) return {};
  const auto values = values_of(entry, name);
  if (values == nullptr) return {};
  for (berval** value = values.get(); *value != nullptr; ++value) {
    if (is_ordinary) {
      const auto added = values_.add(text_of(**value));
      if (!added) return failed(entry.depth, added.error().text);
    } else if (entry.depth >= settings_.recursion_limit) {
      return failed(entry.depth, fmt::format("Recursion limit exceeded for special attribute {}", name));
    } else if (auto followed = follow(text_of(**value), entry.depth); !followed) {
      return followed;
    }
  }
  return {};
}

// A special attribute's value: an LDAP URL, or the name of an entry. A search without attributes is not worth making.
Result<LdapConnection::Search> Collector::search_for(std::string_view reference) const {
  const std::string text(reference);
  if (::ldap_is_ldap_url(text.c_str()) == 0) {
    return LdapConnection::Search{text, LDAP_SCOPE_BASE, "(objectclass=*)", settings_.attributes};
  }
  LDAPURLDesc* parsed = nullptr;
  if (::ldap_url_parse(text.c_str(), &parsed) != LDAP_URL_SUCCESS) {
    return fail(Errc::unavailable, fmt::format("malformed URL {}", printable(text, 200)));
  }
  const std::unique_ptr<LDAPURLDesc, FreeUrl> url(parsed);
  LdapConnection::Search search{url->lud_dn != nullptr ? url->lud_dn : "",
                                url->lud_scope,
                                url->lud_filter != nullptr ? url->lud_filter : "(objectclass=*)",
                                {}};
  if (search.scope == LDAP_SCOPE_DEFAULT) search.scope = LDAP_SCOPE_BASE;
  if (url->lud_attrs == nullptr || url->lud_attrs[0] == nullptr) {
    search.attributes = settings_.attributes;
    return search;
  }
  // Of the attributes that the URL shows, those that we want; the narrower of two descriptions.
  for (char** shown = url->lud_attrs; *shown != nullptr; ++shown) {
    for (const auto& wanted : settings_.attributes) {
      if (covers(*shown, wanted)) {
        search.attributes.push_back(wanted);
      } else if (covers(wanted, *shown)) {
        search.attributes.emplace_back(*shown);
      }
    }
  }
  return search;
}

Result<> Collector::follow(std::string_view reference, std::int64_t depth) {
  const auto search = search_for(reference);
  if (!search) return failed(depth, search.error().text);
  if (search->attributes.empty()) return {};
  const auto found = connection_.search(*search, patience_.at_most(settings_.timeout));
  if (found.status == LDAP_SUCCESS) return add_entries(found.entries, depth + 1);
  if (found.status != LDAP_NO_SUCH_OBJECT) {
    return failed(depth, fmt::format("search error {}: {}", found.status, ::ldap_err2string(found.status)));
  }
  // As if it were there without any of the attributes.
  settings_.log.warning("dict_ldap_get_values[{}]: DN {} not found, skipping", depth, printable(reference, 200));
  return {};
}

class LdapClient final : public RemoteClient {
 public:
  explicit LdapClient(std::shared_ptr<const LdapSettings> settings)
      : settings_(std::move(settings)), connection_(settings_) {}

  Lookup find(std::string_view key, const Patience& patience) override {
    const bool is_kept = connection_.is_open();
    auto found = search(key, patience);
    if (is_kept && found && found->status == LDAP_SERVER_DOWN && !patience.is_over()) {
      connection_.close();
      found = search(key, patience);
    }
    Lookup answer = std::nullopt;
    if (found) {
      answer = evaluate(*found, key, patience);
    } else {
      answer = std::unexpected(found.error());
    }
    if (!answer) connection_.close();
    return answer;
  }

 private:
  Result<LdapConnection::Found> search(std::string_view key, const Patience& patience) {
    if (!connection_.is_open()) {
      if (const auto opened = connection_.open(patience.at_most(settings_->timeout)); !opened) {
        return std::unexpected(opened.error());
      }
    }
    return connection_.search({settings_->base.expand_query(key, quote_for_dn), settings_->scope,
                               settings_->filter.expand_query(key, quote_for_filter), settings_->attributes},
                              patience.at_most(settings_->timeout));
  }

  Lookup evaluate(const LdapConnection::Found& found, std::string_view key, const Patience& patience) {
    if (found.status == LDAP_SUCCESS) {
      Collector collector(*settings_, connection_, key, patience);
      if (const auto added = collector.add_entries(found.entries, 1); !added) return std::unexpected(added.error());
      return collector.take();
    }
    if (found.status == LDAP_NO_SUCH_OBJECT) {
      // A base that depends on the key and does not exist means that the key does not.
      if (settings_->base.is_dynamic()) return std::nullopt;
      return fail(Errc::unavailable, fmt::format("dict_ldap_lookup: {}: Search base '{}' not found: {}: {}",
                                                 settings_->table, settings_->base.expand_query(key, quote_for_dn),
                                                 found.status, ::ldap_err2string(found.status)));
    }
    return fail(Errc::unavailable, fmt::format("dict_ldap_lookup: {}: Search error {}: {}", settings_->table,
                                               found.status, ::ldap_err2string(found.status)));
  }

  std::shared_ptr<const LdapSettings> settings_;
  LdapConnection connection_;
};

}  // namespace

std::unique_ptr<RemoteClient> make_ldap_client(std::shared_ptr<const LdapSettings> settings) {
  return std::make_unique<LdapClient>(std::move(settings));
}

}  // namespace waypost::tables
