#include "spool/completions.h"

#include <utility>

namespace waypost::spool {

namespace {

// So few are called faster than another thread wakes up.
constexpr std::size_t kAtOnce = 4;

}  // namespace

void Completions::start() {
  thread_ = std::thread([this] { run(); });
}

void Completions::complete(std::vector<Done> done, const std::optional<Error>& error, bool busy) {
  if (done.empty()) return;
  Group group{std::move(done), error};
  if (!busy || group.done.size() <= kAtOnce || !thread_.joinable()) return call(group);
  {
    const std::lock_guard lock(mutex_);
    groups_.push_back(std::move(group));
  }
  ready_.notify_one();
}

void Completions::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Completions::call(Group& group) {
  for (Done& done : group.done) {
    if (group.error)
      done(std::unexpected(*group.error));
    else
      done({});
  }
}

void Completions::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [&] { return stopping_ || !groups_.empty(); });
    if (groups_.empty()) return;
    std::vector<Group> groups = std::exchange(groups_, {});
    lock.unlock();
    for (Group& group : groups) call(group);
    lock.lock();
  }
}

}  // namespace waypost::spool
