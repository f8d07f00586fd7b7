#include "net/blocking.h"

#include <system_error>

namespace waypost::net {

BlockingPool::BlockingPool(std::size_t threads, std::size_t queue_limit)
    : thread_limit_(threads), queue_limit_(queue_limit) {
  WAYPOST_ASSERT(threads > 0);
}

BlockingPool::~BlockingPool() { stop(); }

void BlockingPool::stop() {
  std::deque<Job> waiting;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting.swap(jobs_);
  }
  changed_.notify_all();
  for (Job& job : waiting) job(false);
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool BlockingPool::submit(Job job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  const bool is_short = idle_ <= jobs_.size();
  const bool started = is_short && threads_.size() < thread_limit_ && start_thread();
  if (threads_.empty()) return false;
  if (!started && is_short && jobs_.size() - idle_ >= queue_limit_) return false;
  jobs_.push_back(std::move(job));
  if (!started) changed_.notify_one();
  return true;
}

// False when the system has no thread to give: those that there are do the work.
bool BlockingPool::start_thread() {
  try {
    threads_.emplace_back([this] { serve(); });
  } catch (const std::system_error&) {
    return false;
  }
  ++idle_;  // until it takes its first job
  return true;
}

void BlockingPool::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;  // stopping
    --idle_;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job(true);
    job = nullptr;
    lock.lock();
    ++idle_;
  }
}

}  // namespace waypost::net
