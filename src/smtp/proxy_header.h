// The header that a load balancer sends ahead of a proxied connection (haproxy's PROXY protocol, versions 1 and 2): who
// the client is and where it connected to. Pure: bytes in, addresses out.
//
// A header that does not say who the client is (version 1's UNKNOWN, other families) is an error: access control
// would have nothing to go by. Version 2's LOCAL is the proxy's own health check and speaks for itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace waypost::smtp {

// Version 2 counts up to 65535 bytes of options; real ones stay far below this.
inline constexpr std::size_t kMaxProxyHeaderBytes = 536;

struct ProxyHeader {
  enum class State : std::uint8_t { incomplete, proxied, own, bad };
  State state = State::incomplete;
  std::size_t length = 0;  // of a whole header: what follows is the client's
  std::string client_address, server_address;
  std::uint16_t client_port = 0, server_port = 0;
  std::string_view error;  // of a bad one; static
};

// `received`: all that came so far. incomplete: more must come, up to kMaxProxyHeaderBytes; none of what came is behind
// the header.
ProxyHeader parse_proxy_header(std::string_view received);

}  // namespace waypost::smtp
