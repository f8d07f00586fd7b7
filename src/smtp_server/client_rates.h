// How often each client did something within a time unit (Postfix's anvil service): the counters behind
// smtpd_client_*_rate_limit. A client's counters start anew together, at the first event after its time unit ended.
//
// Bounded: over kMaxClients the client whose time unit began first is forgotten. Any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace waypost::smtp_server {

enum class RateEvent : std::uint8_t { connection, message, recipient, auth, tls_session };
inline constexpr std::size_t kRateEvents = 5;

// By event; 0: no limit.
struct RateLimits {
  std::array<std::uint32_t, kRateEvents> by_event{};

  std::uint32_t of(RateEvent event) const { return by_event[static_cast<std::size_t>(event)]; }
  bool any() const { return by_event != std::array<std::uint32_t, kRateEvents>{}; }
};

class ClientRates {
 public:
  static constexpr std::size_t kMaxClients = 100'000;

  // `clock` outlives the rates.
  ClientRates(const Clock& clock, std::chrono::seconds unit, std::size_t max_clients = kMaxClients)
      : clock_(clock), max_clients_(max_clients), unit_(unit) {}

  // One more; how many it has been in this time unit.
  std::uint32_t count(RateEvent event, std::string_view client);
  std::uint32_t counted(RateEvent event, std::string_view client) const;
  // anvil_rate_time_unit, for a reload.
  void set_unit(std::chrono::seconds unit);

 private:
  struct Entry {
    std::string client;
    MonoTime start{};
    std::array<std::uint32_t, kRateEvents> counts{};
  };
  using Entries = std::list<Entry>;
  bool is_over(const Entry& entry, MonoTime now) const { return now - entry.start > unit_; }
  Entries::iterator find_or_add(std::string_view client, MonoTime now);

  const Clock& clock_;
  const std::size_t max_clients_;
  mutable std::mutex mutex_;
  std::chrono::seconds unit_;
  Entries entries_;                                                    // the oldest time unit first
  std::unordered_map<std::string_view, Entries::iterator> by_client_;  // views into entries_
};

// The clients that are counted as one: the address itself, or "192.0.2.0/24" when `ipv4_bits` (for IPv6 `ipv6_bits`)
// is less than the address has.
std::string client_range(const std::string& address, unsigned ipv4_bits, unsigned ipv6_bits);

}  // namespace waypost::smtp_server
