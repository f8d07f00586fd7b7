// A connection to a lookup server that is kept between questions: made at the first, made anew when it has been idle or
// in use for too long, or when the server closed it. One thread at a time.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "tables/lookup_protocols.h"
#include "tables/patience.h"
#include "tables/server_socket.h"

namespace waypost::tables {

class ServerLink {
 public:
  struct Limits {
    std::chrono::seconds idle = std::chrono::hours(1), age = std::chrono::hours(24);
  };

  ServerLink(ServerAddress server, Limits limits) : server_(std::move(server)), limits_(limits) {}

  // One request, one reply. A kept connection that turns out to be dead is replaced once, unseen. Errc::refused: no
  // connection came about; any other: it broke, and is closed. The text is the reason alone.
  Result<ServerAnswer> ask(std::string_view request, const std::function<Parsed(std::string_view)>& parse,
                           const Patience& patience);
  // For a server that is not to be asked again on this connection.
  void close() { socket_.close(); }

 private:
  bool is_usable() const;
  Result<> open(const Patience& patience);
  Result<ServerAnswer> exchange(std::string_view request, const std::function<Parsed(std::string_view)>& parse,
                                const Patience& patience);

  ServerAddress server_;
  Limits limits_;
  ServerSocket socket_;
  MonoTime opened_, used_;
};

}  // namespace waypost::tables
