#include "config/machine.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "config/inet_settings.h"
#include "config/values.h"

namespace waypost::config {

namespace {

// `family` is given because some kernels leave it empty in a mask.
std::vector<std::uint8_t> bytes_of(const sockaddr* address, int family) {
  std::vector<std::uint8_t> bytes;
  if (family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    bytes.resize(sizeof in.sin_addr);
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
  } else {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    bytes.resize(sizeof in.sin6_addr);
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
  }
  return bytes;
}

int prefix_of(const std::vector<std::uint8_t>& mask) {
  int bits = 0;
  for (const std::uint8_t byte : mask) bits += std::popcount(byte);
  return bits;
}

std::vector<InterfaceAddress> ask_interfaces() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  std::vector<InterfaceAddress> found;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const ifaddrs* entry = list; entry; entry = entry->ifa_next) {
      if (!entry->ifa_addr || !entry->ifa_netmask || !(entry->ifa_flags & IFF_UP)) continue;
      if (entry->ifa_addr->sa_family != family) continue;
      found.push_back(
          {family == AF_INET6, bytes_of(entry->ifa_addr, family), prefix_of(bytes_of(entry->ifa_netmask, family))});
    }
  }
  return found;
}

bool is_loopback(const InterfaceAddress& address) {
  if (!address.is_ipv6) return address.address[0] == 127;
  return address.address.back() == 1 &&
         std::all_of(address.address.begin(), address.address.end() - 1, [](auto b) { return b == 0; });
}

// Whether inet_interfaces has the address.
class InterfaceFilter {
 public:
  explicit InterfaceFilter(std::string_view value) {
    for (const std::string& word : split_list(value)) {
      if (iequals(word, "all")) {
        all_ = true;
      } else if (iequals(word, "loopback-only")) {
        loopback_ = true;
      } else {
        std::ranges::move(interface_addresses(word, AF_UNSPEC), std::back_inserter(addresses_));
      }
    }
  }
  bool has(const InterfaceAddress& address) const {
    return all_ || (loopback_ && is_loopback(address)) ||
           std::ranges::find(addresses_, address_text(address)) != addresses_.end();
  }

 private:
  bool all_ = false;
  bool loopback_ = false;
  std::vector<std::string> addresses_;
};

int network_prefix(const InterfaceAddress& address, std::string_view style) {
  if (style == "host") return address.is_ipv6 ? 128 : 32;
  if (style == "class" && !address.is_ipv6) {
    return address.address[0] < 128 ? 8 : address.address[0] < 192 ? 16 : address.address[0] < 224 ? 24 : 4;
  }
  return address.prefix_length;
}

std::string network_text(InterfaceAddress address, int prefix) {
  for (std::size_t byte = 0; byte < address.address.size(); ++byte) {
    const int keep = std::clamp(prefix - static_cast<int>(byte) * 8, 0, 8);
    address.address[byte] = static_cast<std::uint8_t>(address.address[byte] & (0xFF00U >> static_cast<unsigned>(keep)));
  }
  return address.is_ipv6 ? fmt::format("[{}]/{}", address_text(address), prefix)
                         : fmt::format("{}/{}", address_text(address), prefix);
}

bool speaks(std::string_view protocols, bool ipv6) {
  for (const std::string& word : split_list(protocols)) {
    if (iequals(word, "all") || iequals(word, ipv6 ? "ipv6" : "ipv4")) return true;
  }
  return false;
}

}  // namespace

std::string address_text(const InterfaceAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.is_ipv6 ? AF_INET6 : AF_INET, address.address.data(), text.data(), text.size());
  return text.data();
}

Machine Machine::ask() {
  Machine machine;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) machine.host_name = name.data();
  machine.interfaces = ask_interfaces();
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  machine.has_ipv6 = probe >= 0;
  if (probe >= 0) ::close(probe);
  return machine;
}

std::string own_networks(const Machine& machine, std::string_view style, std::string_view protocols,
                         std::string_view interfaces) {
  if (machine.interfaces.empty()) return {};
  const InterfaceFilter filter(interfaces);
  std::vector<std::string> networks;
  for (const InterfaceAddress& address : machine.interfaces) {
    if (!speaks(protocols, address.is_ipv6) || !filter.has(address)) continue;
    std::string text = network_text(address, network_prefix(address, style));
    if (std::ranges::find(networks, text) == networks.end()) networks.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(networks, " "));
}

}  // namespace waypost::config
