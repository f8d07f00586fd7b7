#include "config/table_parameters.h"

#include <algorithm>
#include <array>

namespace waypost::config {

namespace {

constexpr auto kLdap = std::to_array<std::string_view>({"bind",
                                                        "bind_dn",
                                                        "bind_pw",
                                                        "cache",
                                                        "cache_expiry",
                                                        "cache_size",
                                                        "chase_referrals",
                                                        "debuglevel",
                                                        "dereference",
                                                        "domain",
                                                        "expansion_limit",
                                                        "idle_interval",
                                                        "leaf_result_attribute",
                                                        "query_filter",
                                                        "recursion_limit",
                                                        "result_attribute",
                                                        "result_filter",
                                                        "result_format",
                                                        "sasl_authz_id",
                                                        "sasl_mechs",
                                                        "sasl_minssf",
                                                        "sasl_realm",
                                                        "scope",
                                                        "search_base",
                                                        "server_host",
                                                        "server_port",
                                                        "size_limit",
                                                        "special_result_attribute",
                                                        "start_tls",
                                                        "terminal_result_attribute",
                                                        "timeout",
                                                        "tls_ca_cert_dir",
                                                        "tls_ca_cert_file",
                                                        "tls_cert",
                                                        "tls_cipher_suite",
                                                        "tls_key",
                                                        "tls_random_file",
                                                        "tls_require_cert",
                                                        "version"});
constexpr auto kMemcache =
    std::to_array<std::string_view>({"backup", "data_size_limit", "domain", "flags", "key_digest", "key_format",
                                     "line_size_limit", "max_try", "memcache", "retry_pause", "timeout", "ttl"});
constexpr auto kMongodb =
    std::to_array<std::string_view>({"collection", "dbname", "domain", "expansion_limit", "projection", "query_filter",
                                     "result_attribute", "result_format", "uri"});
constexpr auto kMysql = std::to_array<std::string_view>({"additional_conditions",
                                                         "charset",
                                                         "dbname",
                                                         "domain",
                                                         "expansion_limit",
                                                         "hosts",
                                                         "idle_interval",
                                                         "option_file",
                                                         "option_group",
                                                         "password",
                                                         "query",
                                                         "require_result_set",
                                                         "result_format",
                                                         "retry_interval",
                                                         "select_field",
                                                         "table",
                                                         "timeout",
                                                         "tls_CAfile",
                                                         "tls_CApath",
                                                         "tls_cert_file",
                                                         "tls_ciphers",
                                                         "tls_key_file",
                                                         "tls_verify_cert",
                                                         "user",
                                                         "where_field"});
constexpr auto kPgsql =
    std::to_array<std::string_view>({"additional_conditions", "dbname", "domain", "encoding", "expansion_limit",
                                     "hosts", "idle_interval", "password", "query", "result_format", "retry_interval",
                                     "select_field", "select_function", "table", "timeout", "user", "where_field"});
constexpr auto kSqlite =
    std::to_array<std::string_view>({"additional_conditions", "dbpath", "domain", "expansion_limit", "query",
                                     "result_format", "select_field", "table", "timeout", "where_field"});

struct TypeParameters {
  std::string_view type;
  std::span<const std::string_view> names;
};
constexpr std::array kTypes = {TypeParameters{"ldap", kLdap},       TypeParameters{"memcache", kMemcache},
                               TypeParameters{"mongodb", kMongodb}, TypeParameters{"mysql", kMysql},
                               TypeParameters{"pgsql", kPgsql},     TypeParameters{"sqlite", kSqlite}};

}  // namespace

std::span<const std::string_view> table_parameters(std::string_view type) {
  const auto* found = std::ranges::find(kTypes, type, &TypeParameters::type);
  return found == kTypes.end() ? std::span<const std::string_view>() : found->names;
}

}  // namespace waypost::config
