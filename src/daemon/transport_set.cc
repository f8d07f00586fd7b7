#include "daemon/transport_set.h"

#include "delivery/discard_agent.h"
#include "delivery/error_agent.h"

namespace waypost::daemon {

std::vector<std::string> delivery_commands() { return {"smtp", "lmtp", "error", "discard"}; }

TransportSet::TransportSet(smtp_client::AgentEnvironment environment, LogSink& log)
    : environment_(std::move(environment)), log_(log) {}

std::shared_ptr<delivery::Agent> TransportSet::agent_for(const std::string& name, const Snapshot::Transport& transport,
                                                         bool soft_bounce) {
  using delivery::ErrorAgent;
  const Log log(log_, transport.tag, environment_.next_pid());
  if (transport.command == "error") {
    // Which of the two it is says the service's name, as it does in Postfix's master.cf.
    const auto kind = name == "retry" ? ErrorAgent::Kind::retry : ErrorAgent::Kind::error;
    return std::make_shared<ErrorAgent>(kind, log, environment_.clock, soft_bounce);
  }
  if (transport.command == "discard") return std::make_shared<delivery::DiscardAgent>(log, environment_.clock);
  if (transport.client == nullptr) return nullptr;  // local, pipe ...: answered by the missing transport's agent
  auto& agent = smtp_[name + ' ' + transport.tag];
  if (agent) {
    agent->configure(transport.client);
  } else {
    auto environment = environment_;
    environment.log = log;
    agent = std::make_shared<smtp_client::SmtpAgent>(std::move(environment), transport.client);
  }
  return agent;
}

std::shared_ptr<const Transports> TransportSet::apply(const Snapshot& snapshot) {
  auto out = std::make_shared<Transports>();
  for (const auto& [name, transport] : snapshot.transports) {
    if (auto agent = agent_for(name, transport, snapshot.queue->soft_bounce))
      out->agents.emplace(name, std::move(agent));
  }
  out->missing = std::make_shared<delivery::ErrorAgent>(
      delivery::ErrorAgent::Kind::unavailable, Log(log_, "postfix/error", environment_.next_pid()), environment_.clock);
  return out;
}

void TransportSet::stop(MonoTime deadline) {
  for (auto& [_, agent] : smtp_) agent->stop(deadline);
}

}  // namespace waypost::daemon
