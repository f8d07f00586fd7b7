// From a nexthop to the addresses to try, in order: MX records by preference, shuffled among equals; or the addresses
// of one host (RFC 5321 §5.1). Finds mail that would loop back to this host.
#pragma once

#include <cstdint>
#include <expected>
#include <random>
#include <string>
#include <vector>

#include "base/log.h"
#include "dns/resolver.h"
#include "net/task.h"
#include "routing/nexthop.h"
#include "smtp_client/settings.h"
#include "smtp_client/trouble.h"

namespace waypost::smtp_client {

inline constexpr std::size_t kMaxMxHosts = 50;         // of one domain that are looked up
inline constexpr std::size_t kMaxHostAddresses = 100;  // of one destination that are kept

struct Host {
  std::string name;     // as logged: the MX host, the host in brackets, or the address itself
  std::string address;  // literal without brackets
  std::uint16_t preference = 0;

  bool operator==(const Host&) const = default;
};

struct HostList {
  std::vector<Host> hosts;            // never empty
  std::uint16_t best_preference = 0;  // of all that resolved
  bool we_are_backup = false;         // this host is among the MX hosts: no fallback relay may be tried
};

// How names are asked for. `native` may be null when no service uses it.
struct NameServices {
  dns::Resolver* dns = nullptr;
  dns::Resolver* native = nullptr;
};

// Awaited by its caller; what is referred to must live until then. `loop_detection`: the port is 25.
net::Task<std::expected<HostList, Trouble>> find_hosts(const NameServices& names, const routing::Nexthop& nexthop,
                                                       bool loop_detection, const ClientSettings& settings,
                                                       const Log& log, std::mt19937& random);

// Shuffles equals, sorts by preference, and sees to it that neither address family takes all the slots that will be
// tried. For find_hosts() and its tests.
void order_hosts(std::vector<Host>& hosts, const ClientSettings& settings, std::mt19937& random);

}  // namespace waypost::smtp_client
