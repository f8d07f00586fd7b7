// The parameters of lookup tables whose definition stands in a file of its own (ldap:/etc/postfix/users.cf) or, in the
// old way, in main.cf (ldap:users with users_server_host = ...): Postfix's, and those that only Waypost has (`timeout`
// of the SQL types, `idle_interval` of ldap).
#pragma once

#include <span>
#include <string_view>

namespace waypost::config {

// Sorted. Empty for a type that has no such definition.
std::span<const std::string_view> table_parameters(std::string_view type);

}  // namespace waypost::config
