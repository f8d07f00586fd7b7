// Where a message goes next, in the syntax of relayhost, transport tables and smtp(8): "[host]:port", "host:port",
// "dom", "[1.2.3.4]", "[ipv6:2001:db8::1]:587"; several, separated by commas or blanks, are tried in order.
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace waypost::routing {

struct Nexthop {
  std::string host;        // name or address without brackets and without "ipv6:"
  std::string port;        // as written: "587", "submission"; empty: the service's default
  bool bracketed = false;  // "[host]": no MX lookup (RFC 5321 §5.1 is bypassed on purpose)

  bool operator==(const Nexthop&) const = default;
};

// One destination. Errc::invalid with Postfix's reason and the text: `missing "]" in "[x"`, `garbage after "]"`,
// `malformed IPv6 address`, `missing host information`, `valid hostname or network address required`, `garbage after
// numerical service`.
Result<Nexthop> parse_nexthop(std::string_view text);

inline constexpr std::size_t kMaxNexthops = 50;

// A list: one or more, in the order in which they are tried. Errc::invalid when empty, longer than kMaxNexthops, or
// when one of them is malformed.
Result<std::vector<Nexthop>> parse_nexthops(std::string_view text);

// The number of a port given as number or service name (the mail services without asking the system, any other from
// /etc/services: may read that file); nullopt when unknown or outside 1..65535.
std::optional<std::uint16_t> port_number(std::string_view port);

// RFC 1123 host name or (with underscores, as the world writes them) any DNS name: labels of 1-63 letters, digits, '-'
// and '_', at most 255 bytes, not all digits and dots. `utf8`: other bytes are allowed when they are valid UTF-8.
bool is_hostname(std::string_view name, bool utf8 = false);
bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);
// "[1.2.3.4]" or "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3; the prefix may be missing, as Postfix accepts it): the address
// inside; nullopt when it is malformed.
std::optional<std::string> parse_address_literal(std::string_view text);

}  // namespace waypost::routing
