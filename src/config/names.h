// Which names mean something in a configuration, and which that it uses mean nothing: Postfix's postconf decides it by
// following every reference, and so do postconf, `postfix check` and every start here.
//
// A name that the operator made up counts when some value refers to it and main.cf (or the same service of master.cf)
// gives it a value. Pure but for the definition files of lookup tables (ldap:/etc/postfix/users.cf), which are read.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/finding.h"
#include "config/load.h"

namespace waypost::config {

enum class NameClass : unsigned char {
  builtin,  // of the parameter table
  service,  // NAME_destination_concurrency_limit and its kin, for a delivery service of master.cf
  user,     // the operator's own
  legacy,   // an old name that a default still refers to
};
using NameClasses = std::map<std::string, NameClass, std::less<>>;

struct Survey {
  NameClasses names;
  Findings doubtful;   // "undefined parameter: name", "read-only parameter assignment: name=value"
  Findings malformed;  // values that do not expand, table definitions that do not parse
  Findings unused;     // "unused parameter: name=value"; main.cf first, then master.cf in its order
  std::string fatal;   // not empty: Postfix ends here, because a value that it needs is malformed
};
Survey survey(const Configuration& configuration);

// The names that do not depend on what values say.
NameClasses known_names(const Configuration& configuration);

// Whether Postfix has NAME_suffix for this service: delivery agents all of them, pipe and spawn a _time_limit.
bool has_transport_parameter(const Service& service, std::string_view suffix);

// process_name and its kin: set by the process alone.
bool is_read_only(std::string_view name);

// All -o settings of the service, which is one of `master`: entries of the same name and type share them from the first
// one that has any, as in postconf.
Service with_shared_overrides(const MasterCf& master, const Service& service);

}  // namespace waypost::config
