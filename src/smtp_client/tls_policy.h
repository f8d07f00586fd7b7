// What TLS must be like towards one destination: main.cf's settings, or the entry that smtp_tls_policy_maps has for the
// nexthop. An entry that cannot be honoured, and a table that fails, stop the mail: nothing goes out under less than
// the operator asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "net/blocking.h"
#include "smtp_client/settings.h"

namespace waypost::smtp_client {

// One entry of the table as it is written: "LEVEL attribute=value ...".
struct TlsPolicyEntry {
  tls::Level level = tls::Level::none;
  std::optional<std::string> ciphers, protocols, exclude, server_name;
  std::vector<std::string> match;               // strategies and names, or fingerprints
  std::vector<std::string> trust_anchor_files;  // tafile
  std::optional<bool> connection_reuse;
  std::vector<std::string> ignored;  // attributes beside level none
};

// Errc::invalid in Postfix's words: `invalid security level "x"`. Attributes that only report or relax something that
// Waypost does not have (policy_type and its kin of TLSRPT, enable_rpk) are checked and passed over. Pure.
Result<TlsPolicyEntry> parse_tls_policy(std::string_view text);

struct TlsPolicy {
  tls::Level level = tls::Level::none;
  std::shared_ptr<const tls::ClientContext> context;  // null at level none, and when there is none (see TlsSettings)
  tls::SessionRules rules;
  std::vector<std::string> match;         // at verify and secure: for tls::expand_match()
  std::vector<std::string> fingerprints;  // at fingerprint
  std::string server_name;                // SNI, or "hostname", "nexthop"
  std::string origin;                     // the entry: sessions made under another one are not resumed
  bool keep_connection = true;
};

// Where the mail goes, for one lookup.
struct TlsDestination {
  std::string nexthop;  // as routed: "[host]:587", "example.com"
  std::string host;     // the first server, for the log
};

// nullopt: it cannot be had; the reason has been logged, the mail is deferred. Files that the entry names are read on
// `pool`. Awaited by its caller.
net::Task<std::optional<TlsPolicy>> find_tls_policy(const ClientSettings& settings, TlsDestination destination,
                                                    net::BlockingPool& pool, const Log& log);

}  // namespace waypost::smtp_client
