// Where each smtpd service of master.cf listens.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"
#include "net/endpoint.h"

namespace waypost::daemon {

struct ListenPlan {
  const config::Service* service = nullptr;  // of the configuration that was asked
  std::vector<net::Endpoint> endpoints;
};

// inet services that run smtpd: "smtp", "2525", "127.0.0.1:submission", "[::1]:465". Without a host they listen where
// inet_interfaces and inet_protocols say. Unknown ports and hosts that are no addresses become error findings. inet
// services of other commands are named as not supported.
std::vector<ListenPlan> plan_listeners(const config::Configuration& configuration, config::Findings& findings);

}  // namespace waypost::daemon
