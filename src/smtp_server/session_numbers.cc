#include "smtp_server/session_numbers.h"

#include "base/assert.h"

namespace waypost::smtp_server {

SessionNumbers::Lease SessionNumbers::take() {
  const std::lock_guard lock(mutex_);
  WAYPOST_ASSERT(taken_.size() <= last_ - first_);
  while (true) {
    const std::uint32_t number = next_;
    next_ = next_ == last_ ? first_ : next_ + 1;
    if (taken_.insert(number).second) return Lease(this, number);
  }
}

void SessionNumbers::give_back(std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  taken_.erase(number);
}

}  // namespace waypost::smtp_server
