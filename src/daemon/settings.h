// From the parameters to each module's settings struct: the only place that knows both. Every function reads what it
// needs through a config::Reader, which collects mistakes as findings; none fails.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "access/policy.h"
#include "config/load.h"
#include "config/reader.h"
#include "daemon/paths.h"
#include "dns/unbound_resolver.h"
#include "intake/intake.h"
#include "queue/settings.h"
#include "report/bounce.h"
#include "routing/domains.h"
#include "routing/router.h"
#include "smtp/server_settings.h"
#include "smtp_client/settings.h"
#include "smtp_server/session.h"
#include "tables/registry.h"
#include "tls/server_context.h"

namespace waypost::daemon {

Paths read_paths(config::Reader& reader);
// Refuses names of this host that are none.
void check_identity(config::Reader& reader);
// The addresses that are this host's for routing and for local clients: inet_interfaces, resolved by inet_protocols.
std::vector<std::string> own_addresses(const config::Configuration& configuration, config::Reader& reader);

// Whether a list of names, as parent_domain_matches_subdomains, has `feature`.
bool names_feature(config::Reader& reader, std::string_view parameter, std::string_view feature);

routing::DomainSettings read_domains(const config::Configuration& configuration, config::Reader& reader);
// Warns about each `-o relayhost` that stands in for a missing nexthop.
routing::RouterSettings read_router(const config::Configuration& configuration, config::Reader& reader,
                                    config::Findings& findings);
queue::Settings read_queue(const config::Configuration& configuration, config::Reader& reader);
report::Settings read_report(config::Reader& reader);
intake::TraceSettings read_trace(config::Reader& reader);
// Without router and traces, which the caller adds.
intake::IntakeSettings read_intake(config::Reader& reader);
dns::ResolverSettings read_resolver(config::Reader& reader);
// They hold on to the configuration: tables may be defined in main.cf.
tables::TableSettings read_tables(std::shared_ptr<const config::Configuration> configuration, config::Reader& reader);
// Of one smtpd service.
access::AccessSettings read_access(config::Reader& reader);
// Without the sets of commands.
smtp::ServerSettings read_server(config::Reader& reader);
// Without name and tag, which the caller adds.
smtp_server::ServiceSettings read_service(config::Reader& reader, tables::TableRegistry& registry);
// `mandatory`: the service does nothing before STARTTLS, or speaks TLS from the start.
tls::ServerSettings read_server_tls(config::Reader& reader, bool mandatory);

// Error finding for a TLS context that could not be made: where the parameter (of `prefix`: smtp, smtpd) stands whose
// file or cipher grade the text names, else where `fallback` does.
void reject_tls(config::Reader& reader, std::string_view fallback, std::string_view prefix, const std::string& text);

// Of one smtp service. Makes its TLS contexts: certificate and authority files are read here.
smtp_client::ClientSettings read_client(const config::Configuration& configuration, config::Reader& reader,
                                        tables::TableRegistry& registry);

}  // namespace waypost::daemon
