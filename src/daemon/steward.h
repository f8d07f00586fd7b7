// One thread for work on stored messages that has to wait for the disk, in order; knows which messages it has work for.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/queue_id.h"

namespace waypost::daemon {

class Steward {
 public:
  using Work = std::move_only_function<void()>;

  Steward() = default;
  ~Steward() { stop(); }
  Steward(const Steward&) = delete;
  Steward& operator=(const Steward&) = delete;

  // Behind everything asked before. Any thread. After stop() nothing is taken any more.
  void enqueue(QueueId id, Work work);
  // Behind what waits for the same message; at once, on the caller's thread, when nothing does.
  void in_order(QueueId id, Work work);
  // Works off the rest and ends the thread.
  void stop();

 private:
  void run();
  void add_locked(QueueId id, Work work);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::pair<QueueId, Work>> waiting_;
  std::unordered_map<QueueId, int> pending_;  // also what is being worked on
  bool stopping_ = false;
  std::thread thread_;  // started with the first work
};

}  // namespace waypost::daemon
