// smtp_sasl_password_maps: the user name and password for a server. Keys in Postfix's order: the sender (when
// smtp_sender_dependent_authentication), the server's host name, the nexthop exactly as it is routed.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "net/task.h"
#include "sasl/client.h"
#include "smtp_client/settings.h"

namespace waypost::smtp_client {

struct CredentialQuery {
  std::string sender;
  std::string host;     // no brackets, no port
  std::string nexthop;  // as routed: "[host]:587"
};

// nullopt: there are none, talk as strangers. Errc::unavailable: a table failed; do not deliver now.
net::Task<Result<std::optional<sasl::ClientCredentials>>> find_credentials(const SaslSettings& settings,
                                                                           CredentialQuery query);

// "user:password", at the first delimiter; without one the password is empty.
sasl::ClientCredentials parse_credentials(std::string_view text, char delimiter);

}  // namespace waypost::smtp_client
