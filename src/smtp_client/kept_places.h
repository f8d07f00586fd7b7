// Where connections are that stay whatever the demand (smtp_connection_cache_destinations): which io thread kept one
// last, by destination. A hint; the connection may be in use or gone. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace waypost::smtp_client {

class KeptPlaces {
 public:
  static constexpr std::size_t kMaxDestinations = 4'096;  // further ones have no hint

  void note(const std::string& nexthop, std::uint32_t thread) {
    const std::lock_guard lock(mutex_);
    if (places_.size() < kMaxDestinations || places_.contains(nexthop)) places_[nexthop] = thread;
  }
  std::optional<std::uint32_t> find(std::string_view nexthop) const {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(nexthop);
    return found == places_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint32_t, std::less<>> places_;
};

}  // namespace waypost::smtp_client
