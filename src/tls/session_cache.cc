#include "tls/session_cache.h"

#include <iterator>
#include <utility>

namespace waypost::tls {

void SessionCache::put(const std::string& key, SessionPtr session) {
  if (limit_ == 0) return;
  std::list<Entry> gone;  // freed after the lock
  std::list<Entry> fresh;
  fresh.push_back(Entry{key, std::move(session), std::chrono::steady_clock::now()});
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    const auto old = found->second;
    by_key_.erase(found);
    gone.splice(gone.end(), entries_, old);
  }
  if (entries_.size() >= limit_) {
    by_key_.erase(entries_.back().key);
    gone.splice(gone.end(), entries_, std::prev(entries_.end()));
  }
  entries_.splice(entries_.begin(), fresh);
  by_key_.emplace(entries_.front().key, entries_.begin());
}

SessionPtr SessionCache::take(const std::string& key) {
  std::list<Entry> taken;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    const auto entry = found->second;
    by_key_.erase(found);
    taken.splice(taken.end(), entries_, entry);
  }
  const bool too_old = std::chrono::steady_clock::now() - taken.front().since >= lifetime_;
  if (too_old || SSL_SESSION_is_resumable(taken.front().session.get()) != 1) return nullptr;
  return std::move(taken.front().session);
}

std::size_t SessionCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace waypost::tls
