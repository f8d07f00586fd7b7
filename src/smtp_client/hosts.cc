#include "smtp_client/hosts.h"

#include <sys/socket.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "net/endpoint.h"

namespace waypost::smtp_client {
namespace {

using delivery::Cause;
using delivery::Stage;

// Stable, and the lists are short (std::stable_sort of this library version does not compile without warnings).
template <class Items, class Projection>
void sort_stably(Items& items, Projection projection) {
  const auto less = [&](const auto& a, const auto& b) { return projection(a) < projection(b); };
  for (auto it = items.begin(); it != items.end(); ++it) {
    std::rotate(std::upper_bound(items.begin(), it, *it, less), it, std::next(it));
  }
}

bool is_v6(const Host& host) { return host.address.contains(':'); }

Trouble dns_trouble(dns::Status status, std::string text) {
  const bool permanent = status == dns::Status::nxdomain || status == dns::Status::no_data;
  Trouble trouble;
  trouble.stage = Stage::dns;
  trouble.cause = permanent ? Cause::permanent : Cause::temporary;
  trouble.dsn = permanent ? "5.4.4" : "4.4.3";
  trouble.text = std::move(text);
  return trouble;
}

Trouble loop_trouble(const std::string& name) {
  return {.stage = Stage::routing,
          .cause = Cause::permanent,
          .dsn = "5.4.6",
          .text = fmt::format("mail for {} loops back to myself", name)};
}

bool is_own(const Host& host, const ClientSettings& settings) {
  return std::ranges::find(settings.own_addresses, host.address) != settings.own_addresses.end();
}

struct Lookups {
  const NameServices& names;
  const ClientSettings& settings;
  MonoTime deadline() const { return std::chrono::steady_clock::now() + settings.timeouts.dns; }
};

// The addresses of one name by one service; the failure is that of the worst question.
net::Task<std::expected<std::vector<Host>, Trouble>> addresses_by(dns::Resolver& resolver, const Lookups& lookups,
                                                                  std::string name) {
  std::vector<Host> found;
  std::optional<Trouble> trouble;
  for (const auto type : {dns::Type::a, dns::Type::aaaa}) {
    if (type == dns::Type::a ? !lookups.settings.ipv4 : !lookups.settings.ipv6) continue;
    const auto answer = co_await resolver.lookup(name, type, lookups.deadline());
    for (const auto& address : answer.addresses) {
      const bool by_alias = lookups.settings.cname_overrides_servername && !answer.canonical_name.empty();
      if (found.size() < kMaxHostAddresses) found.push_back({by_alias ? answer.canonical_name : name, address, 0});
    }
    if (answer.status == dns::Status::ok) continue;
    const bool keep = trouble && trouble->cause == Cause::temporary;
    if (!keep) trouble = dns_trouble(answer.status, answer.failure);
  }
  if (!found.empty()) co_return found;
  if (!trouble) {
    co_return std::unexpected(
        Trouble{.stage = Stage::dns, .dsn = "4.4.4", .text = "all network protocols are disabled"});
  }
  co_return std::unexpected(std::move(*trouble));
}

net::Task<std::expected<std::vector<Host>, Trouble>> addresses_of(const Lookups& lookups, std::string name) {
  if (net::literal_family(name) != AF_UNSPEC) co_return std::vector<Host>{{name, name, 0}};
  std::optional<Trouble> trouble;
  for (const auto method : lookups.settings.host_lookup) {
    dns::Resolver* resolver = method == LookupMethod::native ? lookups.names.native : lookups.names.dns;
    if (resolver == nullptr) continue;
    auto found = co_await addresses_by(*resolver, lookups, name);
    if (found) co_return std::move(*found);
    // The next service is asked whatever this one said; its own failure is told last.
    trouble = std::move(found.error());
  }
  if (!trouble) trouble = Trouble{.stage = Stage::dns, .dsn = "4.4.4", .text = "no name service is configured"};
  co_return std::unexpected(std::move(*trouble));
}

struct MxAddresses {
  std::vector<Host> hosts;
  std::optional<Trouble> trouble;  // of the last host without an address
};

net::Task<MxAddresses> addresses_of_mx(const Lookups& lookups, std::vector<dns::MxRecord> records) {
  MxAddresses all;
  sort_stably(records, [](const dns::MxRecord& record) { return record.preference; });
  if (records.size() > kMaxMxHosts) records.resize(kMaxMxHosts);
  for (const auto& record : records) {
    auto found = co_await addresses_of(lookups, record.host);
    if (!found) {
      const bool keep = all.trouble && all.trouble->cause == Cause::temporary;
      if (!keep) all.trouble = std::move(found.error());
      continue;
    }
    for (auto& host : *found) {
      if (all.hosts.size() == kMaxHostAddresses) break;
      host.preference = record.preference;
      all.hosts.push_back(std::move(host));
    }
  }
  co_return all;
}

// RFC 5321 §5.1: an MX host must not deliver to hosts that are not better than itself.
std::expected<HostList, Trouble> without_loops(std::vector<Host> hosts, const std::string& name, bool someone_missing,
                                               bool loop_detection, const ClientSettings& settings) {
  HostList list;
  list.best_preference = std::ranges::min(hosts, {}, &Host::preference).preference;
  const auto own = std::ranges::find_if(hosts, [&](const Host& host) { return is_own(host, settings); });
  if (!loop_detection || own == hosts.end()) {
    list.hosts = std::move(hosts);
    return list;
  }
  const auto limit = own->preference;
  const bool primary = limit == list.best_preference;
  std::erase_if(hosts, [&](const Host& host) { return host.preference >= limit; });
  if (hosts.empty() && primary && !someone_missing) return std::unexpected(loop_trouble(name));
  if (hosts.empty()) {
    return std::unexpected(Trouble{
        .stage = Stage::routing, .dsn = "4.4.4", .text = fmt::format("unable to find primary relay for {}", name)});
  }
  list.we_are_backup = true;
  list.hosts = std::move(hosts);
  return list;
}

net::Task<std::expected<HostList, Trouble>> find_mx_hosts(const Lookups& lookups, std::string name, bool loop_detection,
                                                          const Log& log) {
  const auto& settings = lookups.settings;
  if (lookups.names.dns == nullptr) {
    co_return std::unexpected(Trouble{.stage = Stage::dns, .dsn = "4.4.4", .text = "no name service is configured"});
  }
  const auto mx = co_await lookups.names.dns->lookup(name, dns::Type::mx, lookups.deadline());
  const bool none = mx.status == dns::Status::nxdomain || mx.status == dns::Status::no_data;
  const bool unknown = mx.status != dns::Status::ok && !none;
  if (unknown && !settings.ignore_mx_lookup_error) co_return std::unexpected(dns_trouble(mx.status, mx.failure));
  if (none || unknown) {  // RFC 5321 §5.1: the domain is its own MX host
    auto found = co_await addresses_of(lookups, name);
    if (!found) co_return std::unexpected(std::move(found.error()));
    co_return without_loops(std::move(*found), name, false, loop_detection, settings);
  }
  if (mx.is_null_mx()) {
    co_return std::unexpected(Trouble{.stage = Stage::routing,
                                      .cause = Cause::permanent,
                                      .dsn = "5.1.0",
                                      .text = fmt::format("Domain {} does not accept mail (nullMX)", name)});
  }
  auto all = co_await addresses_of_mx(lookups, mx.mx);
  if (all.hosts.empty()) {
    log.warning("no MX host for {} has a valid address record", name);
    Trouble trouble = all.trouble.value_or(Trouble{.stage = Stage::dns, .dsn = "4.4.4", .text = "no MX host"});
    if (settings.defer_if_no_mx_address_found) trouble.cause = Cause::temporary;
    co_return std::unexpected(std::move(trouble));
  }
  co_return without_loops(std::move(all.hosts), name, all.trouble.has_value(), loop_detection, settings);
}

}  // namespace

void order_hosts(std::vector<Host>& hosts, const ClientSettings& settings, std::mt19937& random) {
  if (settings.randomize_addresses) std::ranges::shuffle(hosts, random);
  if (settings.address_preference != AddressPreference::any) {
    const bool v6_first = settings.address_preference == AddressPreference::ipv6;
    sort_stably(hosts, [&](const Host& host) { return is_v6(host) != v6_first; });
  }
  sort_stably(hosts, [](const Host& host) { return host.preference; });
  // One family's outage must not use up all the attempts: the last slot goes to the other one if it had none.
  const auto slots = settings.mx_address_limit;
  if (!settings.balance_protocols || slots < 2 || hosts.size() <= slots) return;
  const auto border = hosts.begin() + static_cast<std::ptrdiff_t>(slots);
  const auto differs = [&](const Host& host) { return is_v6(host) != is_v6(hosts.front()); };
  if (std::any_of(hosts.begin(), border, differs)) return;
  const auto other = std::find_if(border, hosts.end(), differs);
  if (other != hosts.end()) std::rotate(border - 1, other, other + 1);
}

net::Task<std::expected<HostList, Trouble>> find_hosts(const NameServices& names, const routing::Nexthop& nexthop,
                                                       bool loop_detection, const ClientSettings& settings,
                                                       const Log& log, std::mt19937& random) {
  const Lookups lookups{names, settings};
  std::expected<HostList, Trouble> list;
  const bool literal = net::literal_family(nexthop.host) != AF_UNSPEC;
  if (nexthop.bracketed || literal || !settings.dns_enabled || settings.lmtp) {
    auto found = co_await addresses_of(lookups, nexthop.host);
    if (!found) co_return std::unexpected(std::move(found.error()));
    list = without_loops(std::move(*found), nexthop.host, false, loop_detection, settings);
  } else {
    list = co_await find_mx_hosts(lookups, nexthop.host, loop_detection, log);
  }
  if (list) order_hosts(list->hosts, settings, random);
  co_return list;
}

}  // namespace waypost::smtp_client
