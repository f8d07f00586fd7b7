// From a TCP connection to a session that is ready for mail: greeting, EHLO, TLS as the level asks, AUTH.
#pragma once

#include <optional>
#include <string>

#include "net/task.h"
#include "routing/nexthop.h"
#include "smtp_client/connection.h"
#include "smtp_client/tls_policy.h"
#include "smtp_client/trouble.h"

namespace waypost::smtp_client {

struct HandshakeRequest {
  std::string sender;  // for sender-dependent credentials
  std::string domain;  // the nexthop's host name, what level `secure` proves
  TlsPolicy policy;
};

// nullopt: ready. Awaited by its caller. Logs TLS lines as smtp_tls_loglevel says, and warnings about the server.
net::Task<std::optional<Trouble>> shake_hands(Connection& connection, const HandshakeRequest& request);

}  // namespace waypost::smtp_client
