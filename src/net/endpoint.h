// Endpoint: one end of a connection, as text: an IP literal and a port, or the path of a unix socket. Host names are
// never here; dns/ turns them into literals. A plain value, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::net {

struct Endpoint {
  std::string address;  // "192.0.2.1", "2001:db8::1" (no brackets), or a path when is_unix
  std::uint16_t port = 0;
  bool is_unix = false;

  // "192.0.2.1:25", "[2001:db8::1]:25", "unix:/path". Errc::invalid for anything else, host names included.
  static Result<Endpoint> parse(std::string_view text);
  static Endpoint unix_path(std::string path) { return Endpoint{std::move(path), 0, true}; }

  // The form that parse() reads.
  std::string to_string() const;
  // AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC when the address is no literal.
  int family() const;

  bool operator==(const Endpoint&) const = default;
};

// AF_INET or AF_INET6 when `text` is an address literal without brackets, AF_UNSPEC otherwise.
int literal_family(std::string_view text);

}  // namespace waypost::net
