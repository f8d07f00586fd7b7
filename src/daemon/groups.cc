#include "daemon/groups.h"

#include <latch>

#include "net/sync_wait.h"

namespace waypost::daemon {

Groups::Groups(net::IoThreads& threads) : threads_(threads) {
  for (std::size_t i = 0; i < threads.size(); ++i) groups_.push_back(std::make_unique<net::TaskGroup>(threads[i]));
}

void Groups::request_stop() {
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    threads_[i].post([group = groups_[i].get()] { group->request_stop(); });
  }
}

bool Groups::wait(std::chrono::milliseconds limit) {
  const MonoTime deadline = std::chrono::steady_clock::now() + limit;
  bool all = true;
  for (std::size_t i = 0; i < groups_.size(); ++i) all &= net::sync_wait(threads_[i], groups_[i]->drained(deadline));
  return all;
}

void Groups::clear() {
  std::latch done(static_cast<std::ptrdiff_t>(groups_.size()));
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    threads_[i].post([this, i, &done] {
      groups_[i] = std::make_unique<net::TaskGroup>(threads_[i]);
      done.count_down();
    });
  }
  done.wait();
}

}  // namespace waypost::daemon
