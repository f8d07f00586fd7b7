// A network pattern as mynetworks, cidr tables and access lists write it: 10.0.0.0/8, 192.0.2.1, [2001:db8::]/32.
// Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace waypost::tables {

// An address in network order.
struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // the first 4 for IPv4

  bool operator==(const Address&) const = default;
};

// "192.0.2.1" or "2001:db8::1", without brackets; nullopt when malformed.
std::optional<Address> parse_address(std::string_view text);

struct Cidr {
  Address network;
  std::uint8_t prefix_bits = 0;

  bool contains(const Address& address) const;
};

// Errc::invalid with Postfix's words: `bad mask value in "..."`, `bad network value in "..."`, `non-null host address
// bits in "10.1.2.3/8", perhaps you should use "10.0.0.0/8" instead`, `bad address pattern: "..."`, ...
Result<Cidr> parse_cidr(std::string_view text);

}  // namespace waypost::tables
