// A plain connection to a lookup server, for the calls of one thread that may block: tcp:, socketmap: and memcache:
// tables. Every call ends by the given Patience.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "base/result.h"
#include "tables/patience.h"

namespace waypost::tables {

// "[::1]" -> "::1".
std::string_view without_brackets(std::string_view host);

// Where a server listens: host and port (names or numbers), or the path of a unix socket.
struct ServerAddress {
  std::string host, port;
  std::string path;  // of a unix socket; host and port are then empty

  // "inet:host:port", "host:port", "[v6]:port", "unix:path"; a relative path starts at `directory`.
  static Result<ServerAddress> parse(std::string_view text, std::string_view directory);
};

class ServerSocket {
 public:
  ServerSocket() = default;  // closed
  // Tries the host's addresses in turn. The error's text is the system's words alone ("Connection refused"). Looking up
  // a name has the time limits of the system's resolver, not ours.
  static Result<ServerSocket> connect(const ServerAddress& server, const Patience& patience);

  bool is_open() const { return fd_.is_open(); }
  void close() { fd_.reset(); }
  // True while the server has neither closed the connection nor sent what nobody asked for.
  bool is_quiet() const;

  Result<> write(std::string_view bytes, const Patience& patience);
  // At least one byte; Errc::closed ("unexpected EOF") at the end.
  Result<std::size_t> read(std::span<char> into, const Patience& patience);

 private:
  explicit ServerSocket(Descriptor fd) : fd_(std::move(fd)) {}
  static Result<ServerSocket> connect_to(const sockaddr* address, unsigned length, const Patience& patience);

  Descriptor fd_;
};

}  // namespace waypost::tables
