// A lookup in an LDAP directory: connect, bind, search, follow what entries point to.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/secret.h"
#include "tables/key_template.h"
#include "tables/remote_table.h"

namespace waypost::tables {

// How many of LdapSettings::timeout a lookup with all its searches may take.
inline constexpr int kLdapRounds = 3;

struct LdapSettings {
  enum class Bind : unsigned char { none, simple, sasl };

  std::string table;  // "ldap:/x.cf"
  KeyTemplate base, filter, result_format;
  Log log;
  std::string servers;  // URLs with blanks between
  int version = 3, scope = 2;
  std::chrono::seconds timeout{10};  // of one operation
  // Terminal, leaf, ordinary, special attributes, in this order; each group ends at its index.
  std::vector<std::string> attributes;
  std::size_t terminal_end = 0, leaf_end = 0, ordinary_end = 0;
  std::int64_t recursion_limit = 1000, expansion_limit = 0;
  int size_limit = 0;  // entries of one search; 0: the server's
  int dereference = 0;
  bool chase_referrals = false;
  Bind bind = Bind::simple;
  std::string bind_dn;
  Secret bind_password;
  std::string sasl_mechanisms, sasl_realm, sasl_authorization;
  int sasl_min_strength = 0;
  bool start_tls = false, uses_tls = false, tls_require_certificate = false;
  std::string tls_ca_file, tls_ca_directory, tls_certificate, tls_key, tls_cipher_suite;
};

std::unique_ptr<RemoteClient> make_ldap_client(std::shared_ptr<const LdapSettings> settings);

}  // namespace waypost::tables
