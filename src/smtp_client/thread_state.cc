#include "smtp_client/thread_state.h"

#include <utility>

namespace waypost::smtp_client {
namespace {

constexpr std::chrono::milliseconds kSweepInterval{500};
constexpr std::chrono::seconds kGoodbyeLimit{5};

}  // namespace

ThreadState::ThreadState(const AgentEnvironment& environment, net::IoThread& thread, KeptPlaces& kept)
    : environment_(environment),
      thread_(thread),
      kept_(kept),
      random_(std::random_device{}()),
      sweeper_(thread),
      tasks_(thread) {}

void ThreadState::begin(std::unique_ptr<Attempt> attempt) { tasks_.spawn(run_attempt(*this, std::move(attempt))); }

void ThreadState::keep(std::unique_ptr<Connection> connection) {
  if (tasks_.stop_requested()) return dismiss(std::move(connection));
  auto left = cache_.put(std::move(connection), thread_.now());
  if (left) return dismiss(std::move(left));
  if (!std::exchange(sweeping_, true)) tasks_.spawn(sweep_while_idle(*this));
}

void ThreadState::dismiss(std::unique_ptr<Connection> connection) {
  if (connection) tasks_.spawn(say_goodbye(*this, std::move(connection)));
}

void ThreadState::dismiss_idle() {
  for (auto& connection : cache_.sweep(thread_.now(), true)) dismiss(std::move(connection));
  sweeper_.wake();
}

net::Task<void> ThreadState::sweep_while_idle(ThreadState& state) {
  while (!state.cache_.empty() && !state.tasks_.stop_requested()) {
    co_await state.sweeper_.until(state.thread_.now() + kSweepInterval);
    for (auto& connection : state.cache_.sweep(state.thread_.now())) state.dismiss(std::move(connection));
  }
  state.sweeping_ = false;
}

net::Task<void> ThreadState::say_goodbye(ThreadState& state, std::unique_ptr<Connection> connection) {
  co_await connection->say_goodbye(state.thread_.now() + kGoodbyeLimit);
}

}  // namespace waypost::smtp_client
