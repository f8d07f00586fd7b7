// Idle connections of one io thread, kept for mail to the same destination under the same terms. Its thread only.
//
// A connection leaves by take(), or by sweep() when it was idle or alive for too long. Servers that hang up meanwhile
// are noticed by the delivery that takes the connection, which then makes a new one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "smtp_client/connection.h"

namespace waypost::smtp_client {

inline constexpr std::size_t kMaxIdleConnections = 256;  // of one thread and service
inline constexpr std::size_t kMaxKnownDestinations = 4'096;

// service, nexthop and whatever decides who we are to the server: connections never cross these lines.
std::string cache_key(const ClientSettings& settings, std::string_view nexthop, std::string_view sender);

class ConnectionCache {
 public:
  // The connection that was used last, or null. Those made with other settings are not given out.
  std::unique_ptr<Connection> take(const std::string& key, const std::shared_ptr<const ClientSettings>& settings);

  // An attempt for this destination begins or ends: there is demand.
  void note_demand(const std::string& key, MonoTime now);
  // The last two attempts for the destination came within two seconds of each other.
  bool in_demand(const std::string& key) const;

  // Gives the connection back when there is no room.
  std::unique_ptr<Connection> put(std::unique_ptr<Connection> connection, MonoTime now);
  bool has(const std::string& key) const;

  // Takes out what is over its limits (everything, with `all`); forgets destinations without connections or demand.
  std::vector<std::unique_ptr<Connection>> sweep(MonoTime now, bool all = false);
  bool empty() const { return idle_count_ == 0; }

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    MonoTime since;
  };
  struct Destination {
    std::vector<Idle> idle;
    MonoTime demand_before{}, demand{};  // of the last two attempts
  };
  std::unordered_map<std::string, Destination> destinations_;
  std::size_t idle_count_ = 0;
};

}  // namespace waypost::smtp_client
