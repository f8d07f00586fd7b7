// What inet_protocols, inet_interfaces and mynetworks_style may say. Postfix's programs refuse to run with anything
// else, and a misspelt mynetworks_style must never trust more clients than its author meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/machine.h"
#include "config/view.h"

namespace waypost::config {

struct InetFault {
  std::string_view name;  // of the parameter
  std::string text;       // Postfix's words
};

// The first fault; nullopt also where a value does not expand, which is told elsewhere. mynetworks_style counts only
// where mynetworks is computed from it. Names in inet_interfaces are looked up as the system does.
std::optional<InetFault> inet_fault(const View& view, const Machine& machine);

// The address family that a value of inet_protocols stands for: AF_INET, AF_INET6 or AF_UNSPEC.
int inet_family(std::string_view protocols);

// The addresses of a word of inet_interfaces that is neither `all` nor `loopback-only`: an address, with or without
// brackets, or a host name, which blocks until the system has looked it up. `family` is AF_INET, AF_INET6 or AF_UNSPEC.
// Empty: not found.
std::vector<std::string> interface_addresses(std::string_view word, int family);

}  // namespace waypost::config
