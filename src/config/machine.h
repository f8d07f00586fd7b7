// What the machine says about itself, for the defaults that depend on it. Asked once, when a configuration is loaded:
// a View computes from this snapshot and touches nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::config {

// One address of a network interface, in network byte order.
struct InterfaceAddress {
  bool is_ipv6 = false;
  std::vector<std::uint8_t> address;  // 4 or 16 bytes
  int prefix_length = 0;
};

struct Machine {
  std::string host_name;                     // gethostname(2), as it is
  std::vector<InterfaceAddress> interfaces;  // IPv4 first, each family in the system's order
  bool has_ipv6 = false;

  // Fails never: what cannot be found out stays empty.
  static Machine ask();
};

std::string address_text(const InterfaceAddress& address);

// $mynetworks as Postfix computes it. `style` is class, subnet or host; `protocols` and `interfaces` are the values of
// inet_protocols and inet_interfaces (addresses, all, loopback-only, host names, which are looked up: that may block).
std::string own_networks(const Machine& machine, std::string_view style, std::string_view protocols,
                         std::string_view interfaces);

}  // namespace waypost::config
