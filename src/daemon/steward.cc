#include "daemon/steward.h"

namespace waypost::daemon {

void Steward::add_locked(QueueId id, Work work) {
  ++pending_[id];
  waiting_.emplace_back(id, std::move(work));
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  wake_.notify_one();
}

void Steward::enqueue(QueueId id, Work work) {
  const std::lock_guard lock(mutex_);
  if (!stopping_) add_locked(id, std::move(work));
}

void Steward::in_order(QueueId id, Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (!pending_.empty() && pending_.contains(id)) {
      add_locked(id, std::move(work));
      return;
    }
  }
  work();
}

void Steward::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto [id, work] = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    lock.lock();
    if (const auto it = pending_.find(id); --it->second == 0) pending_.erase(it);
  }
}

void Steward::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace waypost::daemon
