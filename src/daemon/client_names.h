// The name of a client's address, verified both ways, as Postfix looks it up; remembered for a while, so that a busy
// client costs one look-up a minute and not one a connection.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "dns/resolver.h"
#include "smtp_server/ports.h"

namespace waypost::daemon {

class ClientNameCache final : public smtp_server::NamePort {
 public:
  static constexpr std::size_t kMaxEntries = 10'000;
  static constexpr std::chrono::seconds kKeep{60};
  static constexpr std::chrono::seconds kLookupTime{30};

  // Both must outlive the cache.
  ClientNameCache(dns::Resolver& resolver, const Clock& clock) : resolver_(resolver), clock_(clock) {}

  net::Task<smtp_server::ClientNames> names_of(std::string address) override;

 private:
  struct Entry {
    smtp_server::ClientNames names;
    MonoTime until{};
  };
  net::Task<smtp_server::ClientNames> look_up(std::string address);
  std::optional<smtp_server::ClientNames> remembered(const std::string& address) const;
  void remember(const std::string& address, smtp_server::ClientNames names);

  dns::Resolver& resolver_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace waypost::daemon
