// Where mail is sent by which delivery service, as far as the files tell: what credentials and transport tables are
// held against. Inside review/ only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/view.h"
#include "routing/nexthop.h"

namespace waypost::review {

// One nexthop that a parameter or a row of a table names.
struct Target {
  std::string service;    // of master.cf
  std::string text;       // as routed: "[smtp.example.com]:587"
  std::string parameter;  // "relayhost", "transport_maps", ...
  config::Origin origin;
};

struct Routes {
  std::vector<Target> targets;
  std::vector<std::string> direct;  // services that also send to whatever domain the recipient has
  bool complete = true;             // false: a table that cannot be read may name further nexthops

  bool is_direct(std::string_view service) const;
};

Routes collect_routes(const config::Configuration& configuration);

// "transport:nexthop" of a transport table or parameter.
struct TransportValue {
  std::string transport;  // empty: as the address class has it
  std::string nexthop;    // empty: the recipient's domain, or the service's own relayhost
};
TransportValue split_transport(std::string_view value);

// The delivery service of that name, or null.
const config::Service* find_transport(const config::Configuration& configuration, std::string_view name);

}  // namespace waypost::review
