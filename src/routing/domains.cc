#include "routing/domains.h"

#include <algorithm>
#include <utility>

#include "routing/nexthop.h"
#include "tables/cidr.h"

namespace waypost::routing {
namespace {

std::vector<tables::Address> to_addresses(const std::vector<std::string>& texts) {
  std::vector<tables::Address> addresses;
  for (const auto& text : texts) {
    if (const auto address = tables::parse_address(text)) addresses.push_back(*address);
  }
  return addresses;
}

bool holds(const std::vector<tables::Address>& addresses, std::string_view text) {
  const auto address = tables::parse_address(text);
  return address && std::ranges::find(addresses, *address) != addresses.end();
}

}  // namespace

std::string_view to_text(AddressClass address_class) {
  switch (address_class) {
    case AddressClass::local:
      return "local";
    case AddressClass::virtual_alias:
      return "virtual alias";
    case AddressClass::virtual_mailbox:
      return "virtual mailbox";
    case AddressClass::relay:
      return "relay";
    case AddressClass::other:
      return "default";
  }
  return "default";
}

Domains::Domains(const DomainSettings& settings, tables::TableRegistry& registry)
    : mydestination_("mydestination", settings.mydestination, registry),
      virtual_alias_domains_("virtual_alias_domains", settings.virtual_alias_domains, registry),
      virtual_mailbox_domains_("virtual_mailbox_domains", settings.virtual_mailbox_domains, registry),
      relay_domains_("relay_domains", settings.relay_domains, registry,
                     {.parent_domains = settings.relay_domains_match_parents}),
      own_addresses_(to_addresses(settings.own_addresses)),
      proxy_addresses_(to_addresses(settings.proxy_addresses)) {}

bool Domains::is_own_address(std::string_view address) const { return holds(own_addresses_, address); }

bool Domains::is_own_literal(std::string_view domain) const {
  const auto address = parse_address_literal(domain);
  return address && (holds(own_addresses_, *address) || holds(proxy_addresses_, *address));
}

net::Task<Result<bool>> Domains::is_local(std::string domain) const {
  if (domain.ends_with('.')) domain.pop_back();
  if (domain.empty() || domain.ends_with('.')) co_return false;
  const Result<bool> listed = co_await mydestination_.matches_string(domain);
  if (!listed || *listed) co_return listed;
  co_return is_own_literal(domain);
}

net::Task<Result<AddressClass>> Domains::classify(std::string domain) const {
  const Result<bool> local = co_await is_local(domain);
  if (!local) co_return std::unexpected(local.error());
  if (*local) co_return AddressClass::local;
  const Result<AddressClass> remote = co_await classify_remote(std::move(domain));
  co_return remote;
}

net::Task<Result<AddressClass>> Domains::classify_remote(std::string domain) const {
  const Result<bool> alias = co_await virtual_alias_domains_.matches_string(domain);
  if (!alias) co_return std::unexpected(alias.error());
  if (*alias) co_return AddressClass::virtual_alias;
  const Result<bool> mailbox = co_await virtual_mailbox_domains_.matches_string(domain);
  if (!mailbox) co_return std::unexpected(mailbox.error());
  if (*mailbox) co_return AddressClass::virtual_mailbox;
  const Result<bool> relay = co_await relay_domains_.matches_domain(std::move(domain));
  if (!relay) co_return std::unexpected(relay.error());
  co_return *relay ? AddressClass::relay : AddressClass::other;
}

std::vector<std::string> Domains::problems() const {
  std::vector<std::string> found;
  for (const auto* list : {&mydestination_, &virtual_alias_domains_, &virtual_mailbox_domains_, &relay_domains_}) {
    found.insert(found.end(), list->problems().begin(), list->problems().end());
  }
  return found;
}

}  // namespace waypost::routing
