#include "config/inet_settings.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <span>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::config {

namespace {

constexpr std::string_view kSeparators = ", \t\r\n";
constexpr auto kProtocols = std::to_array<std::string_view>({"all", "ipv4", "ipv6"});
constexpr auto kStyles = std::to_array<std::string_view>({"class", "subnet", "host"});

std::optional<std::string> unknown_word(std::string_view value, std::span<const std::string_view> known,
                                        std::string_view what) {
  for (const std::string_view word : split(value, kSeparators)) {
    if (std::ranges::find(known, word) != known.end()) continue;
    return fmt::format("unknown {} value \"{}\" in \"{}\"", what, printable(word), printable(value));
  }
  return std::nullopt;
}

std::optional<std::string> style_fault(std::string_view value) {
  if (auto unknown = unknown_word(value, kStyles, "mynetworks mask style")) return unknown;
  const auto words = split(value, kSeparators);
  if (std::set<std::string_view>(words.begin(), words.end()).size() == 1) return std::nullopt;
  return fmt::format("bad mynetworks_style value: {}; specify exactly one value", printable(value));
}

std::optional<std::string> interface_fault(std::string_view value, int family, const Machine& machine) {
  if (value == "all" || value == "loopback-only") return std::nullopt;
  if (machine.interfaces.empty()) return std::nullopt;  // the system did not tell
  for (const std::string_view word : split(value, kSeparators)) {
    const auto addresses = interface_addresses(word, family);
    if (addresses.empty()) {
      return fmt::format("config variable inet_interfaces: host not found: {}", printable(word));
    }
    for (const std::string& address : addresses) {
      const auto same = [&](const InterfaceAddress& own) { return address_text(own) == address; };
      if (std::ranges::any_of(machine.interfaces, same)) continue;
      return fmt::format("parameter inet_interfaces: no local interface found for {}", address);
    }
  }
  return std::nullopt;
}

}  // namespace

int inet_family(std::string_view protocols) {
  const auto words = split(protocols, kSeparators);
  const auto has = [&](std::string_view word) { return std::ranges::find(words, word) != words.end(); };
  const bool ipv4 = has("all") || has("ipv4"), ipv6 = has("all") || has("ipv6");
  return ipv4 == ipv6 ? AF_UNSPEC : ipv4 ? AF_INET : AF_INET6;
}

std::vector<std::string> interface_addresses(std::string_view word, int family) {
  if (word.size() > 1 && word.front() == '[' && word.back() == ']') word = word.substr(1, word.size() - 2);
  addrinfo hints{}, *list = nullptr;
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(std::string(word).c_str(), nullptr, &hints, &list) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::vector<std::string> found;
  for (const addrinfo* entry = list; entry; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
      continue;
    }
    if (std::ranges::find(found, text.data()) == found.end()) found.emplace_back(text.data());
  }
  return found;
}

std::optional<InetFault> inet_fault(const View& view, const Machine& machine) {
  const auto protocols = view.value("inet_protocols");
  const auto style = view.value("mynetworks_style");
  const auto interfaces = view.value("inet_interfaces");
  if (!protocols || !style || !interfaces) return std::nullopt;
  if (auto text = unknown_word(*protocols, kProtocols, "inet_protocols")) return InetFault{"inet_protocols", *text};
  if (!view.is_set("mynetworks")) {
    if (auto text = style_fault(*style)) return InetFault{"mynetworks_style", *text};
  }
  auto text = interface_fault(*interfaces, inet_family(*protocols), machine);
  return text ? std::optional(InetFault{"inet_interfaces", std::move(*text)}) : std::nullopt;
}

}  // namespace waypost::config
