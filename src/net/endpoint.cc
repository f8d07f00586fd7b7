#include "net/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "net/internal.h"

namespace waypost::net {

namespace {
constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kMaxUnixPath = sizeof(sockaddr_un{}.sun_path) - 1;

Result<Endpoint> not_an_endpoint(std::string_view text) {
  return fail(Errc::invalid, fmt::format("not an address and port: \"{}\"", printable(text, 100)));
}
}  // namespace

int literal_family(std::string_view text) {
  in6_addr ignored;
  const std::string copy(text.substr(0, INET6_ADDRSTRLEN + 1));
  if (copy.size() != text.size() || copy.find('\0') != std::string::npos) return AF_UNSPEC;
  if (inet_pton(AF_INET, copy.c_str(), &ignored) == 1) return AF_INET;
  if (inet_pton(AF_INET6, copy.c_str(), &ignored) == 1) return AF_INET6;
  return AF_UNSPEC;
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    if (path.empty() || path.size() > kMaxUnixPath) return not_an_endpoint(text);
    return unix_path(std::string(path));
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return not_an_endpoint(text);
  std::string_view host = text.substr(0, colon);
  const auto port = parse_number(text.substr(colon + 1), UINT16_MAX);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!port || literal_family(host) != (bracketed ? AF_INET6 : AF_INET)) return not_an_endpoint(text);
  return Endpoint{std::string(host), static_cast<std::uint16_t>(*port), false};
}

std::string Endpoint::to_string() const {
  if (is_unix) return fmt::format("{}{}", kUnixPrefix, address);
  if (family() == AF_INET6) return fmt::format("[{}]:{}", address, port);
  return fmt::format("{}:{}", address, port);
}

int Endpoint::family() const { return is_unix ? AF_UNIX : literal_family(address); }

Result<SocketAddress> to_socket_address(const Endpoint& endpoint) {
  SocketAddress out;
  switch (endpoint.family()) {
    case AF_INET: {
      auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
      in->sin_family = AF_INET;
      in->sin_port = htons(endpoint.port);
      inet_pton(AF_INET, endpoint.address.c_str(), &in->sin_addr);
      out.length = sizeof(sockaddr_in);
      return out;
    }
    case AF_INET6: {
      auto* in = reinterpret_cast<sockaddr_in6*>(&out.storage);
      in->sin6_family = AF_INET6;
      in->sin6_port = htons(endpoint.port);
      inet_pton(AF_INET6, endpoint.address.c_str(), &in->sin6_addr);
      out.length = sizeof(sockaddr_in6);
      return out;
    }
    case AF_UNIX: {
      auto* un = reinterpret_cast<sockaddr_un*>(&out.storage);
      if (endpoint.address.size() > kMaxUnixPath)
        return fail(Errc::invalid, "socket path too long: " + endpoint.address);
      un->sun_family = AF_UNIX;
      std::memcpy(un->sun_path, endpoint.address.data(), endpoint.address.size());
      out.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + endpoint.address.size() + 1);
      return out;
    }
    default:
      return fail(Errc::invalid, "not an address: \"" + printable(endpoint.address, 100) + "\"");
  }
}

Endpoint to_endpoint(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    return Endpoint{text, ntohs(in->sin_port), false};
  }
  if (address.storage.ss_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
      inet_ntop(AF_INET, in->sin6_addr.s6_addr + 12, text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
    }
    return Endpoint{text, ntohs(in->sin6_port), false};
  }
  const auto* un = reinterpret_cast<const sockaddr_un*>(&address.storage);
  const std::size_t header = offsetof(sockaddr_un, sun_path);
  if (address.storage.ss_family != AF_UNIX || address.length <= header) return Endpoint::unix_path("");
  return Endpoint::unix_path(std::string(un->sun_path, strnlen(un->sun_path, address.length - header)));
}

}  // namespace waypost::net
