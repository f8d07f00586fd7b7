#include "net/sleep.h"

#include "base/assert.h"
#include "net/internal.h"

namespace waypost::net {

void Sleeper::wake() {
  woken_ = true;
  if (waiter_) thread_.impl().arm_now(*this);
}

void Sleeper::begin(std::coroutine_handle<> waiter, MonoTime when) {
  WAYPOST_ASSERT(!waiter_);
  waiter_ = waiter;
  thread_.impl().arm(*this, when);
}

bool Sleeper::finish() { return !std::exchange(woken_, false); }

void Sleeper::abandon() {
  waiter_ = nullptr;
  DeadlineQueue::disarm(*this);
}

void Sleeper::expired() {
  if (const auto waiter = std::exchange(waiter_, nullptr)) waiter.resume();
}

Task<bool> sleep_until(IoThread& thread, MonoTime when) {
  Sleeper sleeper(thread);
  const bool came = co_await sleeper.until(when);
  co_return came;
}

}  // namespace waypost::net
