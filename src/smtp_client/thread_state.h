// What one io thread holds for the agent: its running attempts and its idle connections. That thread only, but for
// construction; destroyed there, or after the thread was stopped.
#pragma once

#include <memory>
#include <random>

#include "net/task_group.h"
#include "smtp_client/attempt.h"
#include "smtp_client/connection_cache.h"
#include "smtp_client/smtp_agent.h"

namespace waypost::smtp_client {

class ThreadState {
 public:
  // `kept` must outlive it.
  ThreadState(const AgentEnvironment& environment, net::IoThread& thread, KeptPlaces& kept);

  void begin(std::unique_ptr<Attempt> attempt);
  net::TaskGroup& tasks() { return tasks_; }

  // Keeps a connection for the next message, or says goodbye.
  void keep(std::unique_ptr<Connection> connection);
  void dismiss(std::unique_ptr<Connection> connection);
  // All idle ones, now.
  void dismiss_idle();

  const AgentEnvironment& environment() const { return environment_; }
  net::IoThread& thread() { return thread_; }
  ConnectionCache& cache() { return cache_; }
  std::mt19937& random() { return random_; }
  KeptPlaces& kept() { return kept_; }

 private:
  static net::Task<void> sweep_while_idle(ThreadState& state);
  static net::Task<void> say_goodbye(ThreadState& state, std::unique_ptr<Connection> connection);

  const AgentEnvironment& environment_;
  net::IoThread& thread_;
  KeptPlaces& kept_;
  ConnectionCache cache_;
  std::mt19937 random_;
  bool sweeping_ = false;
  net::Sleeper sweeper_;
  net::TaskGroup tasks_;  // last: its coroutines use the rest
};

// The whole of one attempt (delivery.cc).
net::Task<void> run_attempt(ThreadState& state, std::unique_ptr<Attempt> attempt);

}  // namespace waypost::smtp_client
