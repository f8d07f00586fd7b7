#include "smtp_client/connection_cache.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace waypost::smtp_client {
namespace {

// Mail for a destination that comes at least this often keeps its connection (smtp_connection_cache_on_demand).
constexpr std::chrono::seconds kDemandWindow{2};

bool is_expired(const Connection& connection, MonoTime now) {
  const auto& limits = connection.settings->cache;
  const bool too_old = limits.reuse_limit.count() > 0 && now - connection.opened() > limits.reuse_limit;
  return too_old || (limits.reuse_count > 0 && connection.uses >= limits.reuse_count);
}

}  // namespace

std::string cache_key(const ClientSettings& settings, std::string_view nexthop, std::string_view sender) {
  std::string key = settings.service + '\n' + to_lower(nexthop);
  if (settings.sasl.enabled && settings.sasl.sender_dependent) key.append("\n").append(sender);
  return key;
}

std::unique_ptr<Connection> ConnectionCache::take(const std::string& key,
                                                  const std::shared_ptr<const ClientSettings>& settings) {
  const auto found = destinations_.find(key);
  if (found == destinations_.end()) return nullptr;
  auto& idle = found->second.idle;
  const auto last = std::find_if(idle.rbegin(), idle.rend(),
                                 [&](const Idle& candidate) { return candidate.connection->settings == settings; });
  if (last == idle.rend()) return nullptr;
  auto connection = std::move(last->connection);
  idle.erase(std::next(last).base());
  --idle_count_;
  return connection;
}

void ConnectionCache::note_demand(const std::string& key, MonoTime now) {
  if (destinations_.size() >= kMaxKnownDestinations && !destinations_.contains(key)) return;
  auto& destination = destinations_[key];
  destination.demand_before = std::exchange(destination.demand, now);
}

bool ConnectionCache::in_demand(const std::string& key) const {
  const auto found = destinations_.find(key);
  if (found == destinations_.end()) return false;
  const auto& destination = found->second;
  return destination.demand_before != MonoTime{} && destination.demand - destination.demand_before <= kDemandWindow;
}

std::unique_ptr<Connection> ConnectionCache::put(std::unique_ptr<Connection> connection, MonoTime now) {
  if (idle_count_ >= kMaxIdleConnections || is_expired(*connection, now)) return connection;
  auto& destination = destinations_[connection->key];
  destination.idle.push_back({std::move(connection), now});
  ++idle_count_;
  return nullptr;
}

bool ConnectionCache::has(const std::string& key) const {
  const auto found = destinations_.find(key);
  return found != destinations_.end() && !found->second.idle.empty();
}

std::vector<std::unique_ptr<Connection>> ConnectionCache::sweep(MonoTime now, bool all) {
  std::vector<std::unique_ptr<Connection>> out;
  for (auto it = destinations_.begin(); it != destinations_.end();) {
    auto& idle = it->second.idle;
    for (auto& [connection, since] : idle) {
      const bool keep = !all && now - since <= connection->settings->cache.idle_limit && !is_expired(*connection, now);
      if (!keep) out.push_back(std::move(connection));
    }
    std::erase_if(idle, [](const Idle& entry) { return entry.connection == nullptr; });
    const bool forget = idle.empty() && (all || now - it->second.demand > kDemandWindow);
    it = forget ? destinations_.erase(it) : std::next(it);
  }
  idle_count_ -= out.size();
  return out;
}

}  // namespace waypost::smtp_client
