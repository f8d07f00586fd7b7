#include "tables/server_socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/text.h"

namespace waypost::tables {
namespace {

std::unexpected<Error> system_error(int error) { return fail(Errc::io, errno_text(error)); }

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

}  // namespace

std::string_view without_brackets(std::string_view host) {
  const bool has_them = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  return has_them ? host.substr(1, host.size() - 2) : host;
}

Result<ServerAddress> ServerAddress::parse(std::string_view text, std::string_view directory) {
  constexpr std::string_view kInet = "inet:", kUnix = "unix:";
  ServerAddress out;
  if (text.starts_with(kUnix)) {
    text.remove_prefix(kUnix.size());
    if (text.empty()) return fail(Errc::invalid, "no path of a socket");
    out.path = text.front() == '/' ? std::string(text) : fmt::format("{}/{}", directory, text);
    if (out.path.size() >= sizeof(sockaddr_un{}.sun_path)) {
      return fail(Errc::invalid, fmt::format("socket path too long: {}", out.path));
    }
    return out;
  }
  if (text.starts_with(kInet)) text.remove_prefix(kInet.size());
  const auto colon = text.rfind(':');
  const auto host = without_brackets(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (host.empty() || colon + 1 == text.size()) {
    return fail(Errc::invalid, fmt::format("need host:port, not \"{}\"", printable(text, 100)));
  }
  out.host = host;
  out.port = text.substr(colon + 1);
  return out;
}

Result<ServerSocket> ServerSocket::connect(const ServerAddress& server, const Patience& patience) {
  if (!server.path.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, server.path.data(), server.path.size());
    return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, patience);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(server.host.c_str(), server.port.c_str(), &hints, &list); error != 0) {
    return fail(Errc::unavailable, fmt::format("host or service {}:{} not found: {}", server.host, server.port,
                                               error == EAI_SYSTEM ? errno_text(errno) : ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
  Result<ServerSocket> connected = system_error(EADDRNOTAVAIL);
  for (const addrinfo* one = list; one != nullptr && !connected && !patience.is_over(); one = one->ai_next) {
    connected = connect_to(one->ai_addr, one->ai_addrlen, patience);
  }
  return connected;
}

Result<ServerSocket> ServerSocket::connect_to(const sockaddr* address, unsigned length, const Patience& patience) {
  ServerSocket made(Descriptor(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  if (!made.is_open()) return system_error(errno);
  const int on = 1;
  if (address->sa_family != AF_UNIX) ::setsockopt(made.fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(made.fd_.get(), address, length) == 0) return Result<ServerSocket>(std::move(made));
  if (errno != EINPROGRESS) return system_error(errno);
  const auto ready = patience.wait(made.fd_.get(), POLLOUT);
  if (!ready) return std::unexpected(ready.error());
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(made.fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return system_error(error);
  return Result<ServerSocket>(std::move(made));
}

bool ServerSocket::is_quiet() const {
  char byte = 0;
  const auto got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Result<> ServerSocket::write(std::string_view bytes, const Patience& patience) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (const auto ready = patience.wait(fd_.get(), POLLOUT); !ready) return std::unexpected(ready.error());
    } else if (errno != EINTR) {
      return system_error(errno);
    }
  }
  return {};
}

Result<std::size_t> ServerSocket::read(std::span<char> into, const Patience& patience) {
  while (true) {
    const auto got = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return fail(Errc::closed, "unexpected EOF");
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (const auto ready = patience.wait(fd_.get(), POLLIN); !ready) return std::unexpected(ready.error());
    } else if (errno != EINTR) {
      return system_error(errno);
    }
  }
}

}  // namespace waypost::tables
