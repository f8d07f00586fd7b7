#include "smtp_server/client_rates.h"

#include <arpa/inet.h>

#include <fmt/format.h>

#include "tables/cidr.h"

namespace waypost::smtp_server {

std::uint32_t ClientRates::count(RateEvent event, std::string_view client) {
  const MonoTime now = clock_.mono();
  const std::lock_guard lock(mutex_);
  auto entry = find_or_add(client, now);
  if (is_over(*entry, now)) {
    entry->start = now;
    entry->counts = {};
    entries_.splice(entries_.end(), entries_, entry);
  }
  auto& counter = entry->counts[static_cast<std::size_t>(event)];
  if (counter < UINT32_MAX) ++counter;
  return counter;
}

ClientRates::Entries::iterator ClientRates::find_or_add(std::string_view client, MonoTime now) {
  if (const auto found = by_client_.find(client); found != by_client_.end()) return found->second;
  while (!entries_.empty() && (entries_.size() >= max_clients_ || is_over(entries_.front(), now))) {
    by_client_.erase(entries_.front().client);
    entries_.pop_front();
  }
  const auto added = entries_.insert(entries_.end(), Entry{std::string(client), now, {}});
  by_client_.emplace(added->client, added);
  return added;
}

std::uint32_t ClientRates::counted(RateEvent event, std::string_view client) const {
  const MonoTime now = clock_.mono();
  const std::lock_guard lock(mutex_);
  const auto found = by_client_.find(client);
  if (found == by_client_.end() || is_over(*found->second, now)) return 0;
  return found->second->counts[static_cast<std::size_t>(event)];
}

void ClientRates::set_unit(std::chrono::seconds unit) {
  const std::lock_guard lock(mutex_);
  unit_ = unit;
}

std::string client_range(const std::string& address, unsigned ipv4_bits, unsigned ipv6_bits) {
  const auto parsed = tables::parse_address(address);
  if (!parsed) return address;
  const unsigned all = parsed->v6 ? 128 : 32, kept = parsed->v6 ? ipv6_bits : ipv4_bits;
  if (kept >= all) return address;
  auto bytes = parsed->bytes;
  for (unsigned bit = kept; bit < all; ++bit) bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(parsed->v6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  return fmt::format("{}/{}", text.data(), kept);
}

}  // namespace waypost::smtp_server
