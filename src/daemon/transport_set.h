// The agents behind the transports of master.cf. They live as long as the relay: a reload gives them new settings, and
// a transport that went away is only no longer asked.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/dispatcher.h"
#include "daemon/snapshot.h"
#include "smtp_client/smtp_agent.h"

namespace waypost::daemon {

// The commands of master.cf that deliver mail in this version: "smtp", "error" ...
std::vector<std::string> delivery_commands();

class TransportSet {
 public:
  TransportSet(smtp_client::AgentEnvironment environment, LogSink& log);

  // The transports of a snapshot, for the dispatcher. Makes agents that are new, reconfigures those that stay.
  std::shared_ptr<const Transports> apply(const Snapshot& snapshot);
  // Ends deliveries at the deadline. Not from an io thread.
  void stop(MonoTime deadline);

 private:
  std::shared_ptr<delivery::Agent> agent_for(const std::string& name, const Snapshot::Transport& transport,
                                             bool soft_bounce);

  smtp_client::AgentEnvironment environment_;
  LogSink& log_;
  std::map<std::string, std::shared_ptr<smtp_client::SmtpAgent>> smtp_;  // by service and tag
};

}  // namespace waypost::daemon
