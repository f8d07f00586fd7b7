// What an expert who reviews a relay's configuration would say about it, beyond what fails by itself: parts that do not
// fit together, files that others can read, rows that are never found, listeners that are open or closed to everybody.
// Offline facts only: files and the clock are read, no name is looked up, nothing is connected to.
// Each part adds its findings and never fails; blocking. A correct configuration gets none.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "config/finding.h"
#include "config/load.h"
#include "review/relay_proof.h"
#include "routing/router.h"

namespace waypost::review {

inline constexpr std::chrono::days kExpiryWarning{14};

struct Subject {
  const config::Configuration& configuration;
  const routing::Router& router;
  const std::vector<Listener>& listeners;
  std::chrono::system_clock::time_point now;
  std::vector<std::string> agents;  // commands of master.cf that deliver mail here
};

void review_syntax(const Subject& subject, config::Findings& findings);       // comments after values
void review_files(const Subject& subject, config::Findings& findings);        // owners and modes, secrets
void review_tables(const Subject& subject, config::Findings& findings);       // stale databases, useless rows
void review_routing(const Subject& subject, config::Findings& findings);      // transports, nexthops, address classes
void review_credentials(const Subject& subject, config::Findings& findings);  // passwords for other servers
void review_tls(const Subject& subject, config::Findings& findings);          // certificates, wrapper mode
void review_listeners(const Subject& subject, config::Findings& findings);    // endpoints, AUTH
void review_relay(const Subject& subject, config::Findings& findings);        // the proof's conclusions

// All of them.
void review(const Subject& subject, config::Findings& findings);

// What keeps a listener from opening its endpoints now: ports that are taken, addresses that are not here. Binds and
// closes again; only while the relay does not run.
void review_ports(const std::vector<Listener>& listeners, config::Findings& findings);

}  // namespace waypost::review
