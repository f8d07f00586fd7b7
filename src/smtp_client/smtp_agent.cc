#include "smtp_client/smtp_agent.h"

#include <utility>

#include "net/sync_wait.h"
#include "smtp_client/thread_state.h"

namespace waypost::smtp_client {
namespace {

net::Task<void> wind_down(ThreadState& state, MonoTime deadline) {
  state.tasks().request_stop();
  state.dismiss_idle();
  co_await state.tasks().drained(deadline);
}

net::Task<void> destroy(std::unique_ptr<ThreadState> state) {
  state.reset();
  co_return;
}

}  // namespace

SmtpAgent::SmtpAgent(AgentEnvironment environment, std::shared_ptr<const ClientSettings> settings)
    : environment_(std::move(environment)),
      settings_(std::move(settings)),
      keeps_some_(!settings_->cache.destinations.empty()) {
  for (std::size_t i = 0; i < environment_.threads.size(); ++i) {
    states_.push_back(std::make_unique<ThreadState>(environment_, environment_.threads[i], kept_));
  }
}

SmtpAgent::~SmtpAgent() {
  const bool running = !stopped_;
  if (running) stop(environment_.clock.mono());
}

void SmtpAgent::configure(std::shared_ptr<const ClientSettings> settings) {
  const std::lock_guard lock(mutex_);
  settings_ = std::move(settings);
  keeps_some_ = !settings_->cache.destinations.empty();
}

// Without one that the queue knows, the thread that kept a connection whatever the demand.
std::uint32_t SmtpAgent::thread_for(const delivery::Request& request) const {
  if (request.affinity != delivery::Request::kNoAffinity) return request.affinity;
  return keeps_some_ ? kept_.find(request.nexthop).value_or(request.affinity) : request.affinity;
}

void SmtpAgent::deliver(delivery::Request request, delivery::ReportSink done) {
  const auto index = thread_for(request);
  auto& thread = index < environment_.threads.size() ? environment_.threads[index] : environment_.threads.next();
  const Log log = environment_.log.with(environment_.log.tag(), environment_.next_pid());
  std::unique_lock lock(mutex_);
  auto attempt = std::make_unique<Attempt>(std::move(request), std::move(done), settings_, log, environment_.clock);
  if (stopped_) {
    lock.unlock();  // the attempt answers as it goes
    return;
  }
  ThreadState* state = states_[thread.index()].get();
  thread.post([state, attempt = std::move(attempt)]() mutable { state->begin(std::move(attempt)); });
}

void SmtpAgent::stop(MonoTime deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    net::IoThread& thread = environment_.threads[i];
    if (!thread.running()) continue;
    net::sync_wait(thread, wind_down(*states_[i], deadline));
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    net::IoThread& thread = environment_.threads[i];
    if (thread.running()) net::sync_wait(thread, destroy(std::move(states_[i])));
  }
  states_.clear();
}

}  // namespace waypost::smtp_client
