// One connection to an LDAP server: made, bound and asked. One thread at a time; every call ends by its Patience.
#pragma once

#include <ldap.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tables/ldap_lookup.h"
#include "tables/patience.h"

namespace waypost::tables {

struct FreeLdapMessage {
  void operator()(LDAPMessage* message) const { ::ldap_msgfree(message); }
};
using LdapMessage = std::unique_ptr<LDAPMessage, FreeLdapMessage>;

class LdapConnection {
 public:
  // Of one search.
  static constexpr std::size_t kMaxEntries = 10'000;

  explicit LdapConnection(std::shared_ptr<const LdapSettings> settings) : settings_(std::move(settings)) {}

  bool is_open() const { return handle_ != nullptr; }
  void close() { handle_.reset(); }
  // Errors are whole messages.
  Result<> open(const Patience& patience);

  struct Search {
    std::string base;
    int scope = LDAP_SCOPE_SUBTREE;
    std::string filter;
    std::vector<std::string> attributes;
  };
  struct Found {
    int status = LDAP_SUCCESS;  // LDAP_TIMEOUT at the end of patience, LDAP_SIZELIMIT_EXCEEDED above kMaxEntries
    std::vector<LdapMessage> entries;
  };
  Found search(const Search& search, const Patience& patience);

  LDAP* handle() const { return handle_.get(); }

 private:
  struct Unbind {
    void operator()(LDAP* handle) const { ::ldap_unbind_ext(handle, nullptr, nullptr); }
  };

  Result<> set_options(const Patience& patience);
  Result<> set_tls_options();
  int bind(const Patience& patience);
  int bind_with_sasl();
  // The next message of an operation; null with `status` set when it does not come.
  LdapMessage next(int operation, const Patience& patience, int& status);

  std::shared_ptr<const LdapSettings> settings_;
  std::unique_ptr<LDAP, Unbind> handle_;
};

}  // namespace waypost::tables
