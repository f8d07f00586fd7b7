// Everything that a configuration says, built and checked as a whole beside the one in use: at start, for `postfix
// check`, and before a reload takes effect. Immutable; running sessions and attempts keep the one they began with.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "access/policy.h"
#include "base/log.h"
#include "config/load.h"
#include "daemon/paths.h"
#include "daemon/reload_changes.h"
#include "daemon/settings.h"
#include "daemon/user_list.h"
#include "net/endpoint.h"
#include "smtp_server/adapters.h"
#include "smtp_server/session.h"
#include "tables/match_list.h"
#include "tables/registry.h"
#include "tls/server_context.h"

namespace waypost::daemon {

// How smtpd_sasl_type is reached for one service.
struct SaslPlan {
  enum class Type : unsigned char { none, dovecot, file };
  Type type = Type::none;
  net::Endpoint server;  // dovecot
  std::string file;      // of names and hashes
  std::string security_options, tls_security_options, local_domain;
  std::string service;                 // smtpd_sasl_service: what the backend is told
  tables::MatchList mechanism_filter;  // smtpd_sasl_mechanism_filter
};

// One smtpd service of master.cf.
struct SmtpdPlan {
  std::string key;                           // its name in master.cf
  const config::Service* service = nullptr;  // of the snapshot's configuration
  std::vector<net::Endpoint> endpoints;
  smtp_server::ServiceSettings settings;
  std::shared_ptr<const access::Policy> policy;
  std::string refusal;              // why it must not serve; empty: it may
  config::Finding refusal_finding;  // the same with its place, when there is one
  std::shared_ptr<const tls::ServerContext> tls;
  SaslPlan sasl;
  smtp_server::PolicyAccess::Lists client_lists;
  tables::TableList hidden_keywords;        // smtpd_discard_ehlo_keyword_address_maps
  tables::TableList command_filter;         // smtpd_command_filter
  std::chrono::seconds rate_time_unit{60};  // anvil_rate_time_unit
  std::size_t connection_limit = 0;         // in total
  std::size_t client_connection_limit = 0;  // smtpd_client_connection_count_limit
  bool peername_lookup = true;              // smtpd_peername_lookup
};

struct Snapshot {
  std::shared_ptr<const config::Configuration> configuration;
  Paths paths;
  std::shared_ptr<tables::TableRegistry> tables;
  TableStamps table_stamps;  // what the tables' files were
  std::shared_ptr<const routing::Router> router;
  std::shared_ptr<const intake::IntakeSettings> intake;
  std::shared_ptr<const queue::Settings> queue;
  std::shared_ptr<const report::Settings> report;
  dns::ResolverSettings resolver;
  bool long_queue_ids = false;      // enable_long_queue_ids
  bool internal_addresses = false;  // info_log_address_format = internal
  std::shared_ptr<const UserLists> users;
  std::vector<SmtpdPlan> smtpd;
  struct Transport {
    std::string command;                                        // smtp, lmtp, error, discard ...
    std::string tag;                                            // of its log lines
    std::shared_ptr<const smtp_client::ClientSettings> client;  // of smtp and lmtp services
  };
  std::map<std::string, Transport, std::less<>> transports;  // by service name
};

// All findings of the configuration are added, also of a snapshot that must not be used (has_errors).
std::shared_ptr<const Snapshot> build_snapshot(std::shared_ptr<const config::Configuration> configuration,
                                               const Log& log, const Clock& clock, const Snapshot* previous,
                                               config::Findings& findings);

}  // namespace waypost::daemon
