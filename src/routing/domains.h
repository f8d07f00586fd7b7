// Which domains are whose: the address classes of Postfix's ADDRESS_CLASS_README, decided by the domain alone.
//
// Immutable; any thread. Failure of a table behind a list is Errc::unavailable (the mail is deferred), never "not
// mine".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/task.h"
#include "tables/cidr.h"
#include "tables/match_list.h"

namespace waypost::routing {

enum class AddressClass : std::uint8_t { local, virtual_alias, virtual_mailbox, relay, other };

// "local", "virtual alias", ...
std::string_view to_text(AddressClass address_class);

// Values after expansion, as main.cf has them; address lists without brackets.
struct DomainSettings {
  std::string mydestination;
  std::string virtual_alias_domains;
  std::string virtual_mailbox_domains;
  std::string relay_domains;
  bool relay_domains_match_parents = true;   // relay_domains is in parent_domain_matches_subdomains
  std::vector<std::string> own_addresses;    // inet_interfaces as addresses
  std::vector<std::string> proxy_addresses;  // proxy_interfaces as addresses
};

class Domains {
 public:
  Domains(const DomainSettings& settings, tables::TableRegistry& registry);

  // In mydestination, or "[address]" of an own or proxy interface. One trailing dot is ignored.
  net::Task<Result<bool>> is_local(std::string domain) const;
  net::Task<Result<AddressClass>> classify(std::string domain) const;
  // The class of a domain that is known not to be local.
  net::Task<Result<AddressClass>> classify_remote(std::string domain) const;

  // An address (no brackets) of inet_interfaces.
  bool is_own_address(std::string_view address) const;
  // What is wrong with the lists, for the start's findings: "mydestination: ...".
  std::vector<std::string> problems() const;

 private:
  bool is_own_literal(std::string_view domain) const;

  tables::MatchList mydestination_, virtual_alias_domains_, virtual_mailbox_domains_, relay_domains_;
  std::vector<tables::Address> own_addresses_, proxy_addresses_;
};

}  // namespace waypost::routing
