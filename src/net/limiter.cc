#include "net/limiter.h"

#include <mutex>
#include <unordered_map>
#include <utility>

namespace waypost::net {

struct Limiter::State {
  mutable std::mutex mutex;
  std::size_t total_limit;
  std::size_t per_key_limit;
  std::size_t total = 0;
  std::unordered_map<std::string, std::size_t> by_key;  // no entry at zero: bounded by the leases
};

Limiter::Limiter(std::size_t total_limit, std::size_t per_key_limit) : state_(std::make_shared<State>()) {
  set_limits(total_limit, per_key_limit);
}

std::optional<Limiter::Lease> Limiter::take(std::string_view key) {
  std::string owned(key);
  const std::lock_guard lock(state_->mutex);
  if (state_->total_limit != 0 && state_->total >= state_->total_limit) return std::nullopt;
  if (!owned.empty()) {
    const auto found = state_->by_key.find(owned);
    const std::size_t used = found == state_->by_key.end() ? 0 : found->second;
    if (state_->per_key_limit != 0 && used >= state_->per_key_limit) return std::nullopt;
    state_->by_key[owned] = used + 1;
  }
  ++state_->total;
  return Lease(state_, std::move(owned));
}

void Limiter::set_limits(std::size_t total_limit, std::size_t per_key_limit) {
  const std::lock_guard lock(state_->mutex);
  state_->total_limit = total_limit;
  state_->per_key_limit = per_key_limit;
}

std::size_t Limiter::in_use() const {
  const std::lock_guard lock(state_->mutex);
  return state_->total;
}

std::size_t Limiter::in_use(std::string_view key) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->by_key.find(std::string(key));
  return found == state_->by_key.end() ? 0 : found->second;
}

Limiter::Lease& Limiter::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    give_back();
    state_ = std::move(other.state_);
    key_ = std::move(other.key_);
  }
  return *this;
}

void Limiter::Lease::give_back() {
  const auto state = std::exchange(state_, nullptr);
  if (!state) return;
  const std::lock_guard lock(state->mutex);
  --state->total;
  if (key_.empty()) return;
  const auto found = state->by_key.find(key_);
  if (--found->second == 0) state->by_key.erase(found);
}

}  // namespace waypost::net
