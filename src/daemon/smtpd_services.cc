#include "daemon/smtpd_services.h"

#include <unistd.h>

#include "smtp_server/dovecot_auth.h"
#include "smtp_server/file_auth.h"

namespace waypost::daemon {
namespace {

// A listener without relay protection: it says so and hangs up, as smtpd does.
net::Task<void> refuse(net::Stream stream, Log log, std::string why) {
  log.fatal("{}", why);
  stream.close();
  co_return;
}

// Clients on this host's own addresses may leave headers out (local_header_rewrite_clients, permit_inet_interfaces).
intake::Completion completion_for(const intake::Intake& intake, const mail::Envelope& envelope) {
  return {.wanted = intake.settings()->router->domains().is_own_address(envelope.client_address), .full_name = {}};
}

}  // namespace

SmtpdServices::SmtpdServices(Parts parts)
    : parts_(parts),
      intake_(parts.intake,
              [&intake = parts.intake](const mail::Envelope& envelope) { return completion_for(intake, envelope); }),
      named_{parts.log, parts.clock, intake_, parts.names, numbers_},
      unnamed_{parts.log, parts.clock, intake_, no_names_, numbers_} {}

const SmtpdServices::Limits& SmtpdServices::limits_for(const SmtpdPlan& plan) {
  auto& limits = limits_[plan.key];
  if (limits.connections) {
    limits.connections->set_limits(plan.connection_limit, 0);
    limits.client_connections->set_limits(0, plan.client_connection_limit);
  } else {
    limits = {std::make_shared<net::Limiter>(plan.connection_limit),
              std::make_shared<net::Limiter>(0, plan.client_connection_limit)};
  }
  return limits;
}

std::shared_ptr<const Listeners::Handler> SmtpdServices::handler(const SmtpdPlan& plan) {
  if (!plan.refusal.empty()) {
    return std::make_shared<const Listeners::Handler>(
        [log = Log(parts_.log, plan.settings.tag, 1), why = plan.refusal](net::Stream stream, net::TaskGroup&) {
          return refuse(std::move(stream), log, why);
        });
  }
  const auto& limits = limits_for(plan);
  const auto service = std::make_shared<const smtp_server::Service>(smtp_server::Service{
      .settings = plan.settings,
      .access = std::make_shared<smtp_server::PolicyAccess>(
          plan.policy, std::make_shared<const tables::MatchList>(plan.limit_exceptions),
          std::make_shared<const tables::MatchList>(plan.bare_newline_exclusions)),
      .authenticator = authenticator_for(plan),
      .tls_context = plan.tls,
      .connections = limits.connections,
      .client_connections = limits.client_connections,
  });
  auto* const environment = plan.peername_lookup ? &named_ : &unnamed_;
  return std::make_shared<const Listeners::Handler>([service, environment](net::Stream stream, net::TaskGroup& group) {
    return smtp_server::serve(std::move(stream), service, *environment, group);
  });
}

std::shared_ptr<smtp_server::Authenticator> SmtpdServices::authenticator_for(const SmtpdPlan& plan) const {
  const Log log(parts_.log, plan.settings.tag, static_cast<std::uint32_t>(::getpid()));
  const auto& sasl = plan.sasl;
  switch (sasl.type) {
    case SaslPlan::Type::none:
      return nullptr;
    case SaslPlan::Type::dovecot:
      return smtp_server::DovecotAuthenticator::create({.server = sasl.server,
                                                        .security_options = sasl.security_options,
                                                        .tls_security_options = sasl.tls_security_options},
                                                       log);
    case SaslPlan::Type::file:
      return std::make_shared<smtp_server::FileAuthenticator>(
          smtp_server::FileAuthSettings{.path = sasl.file,
                                        .local_domain = sasl.local_domain,
                                        .security_options = sasl.security_options,
                                        .tls_security_options = sasl.tls_security_options},
          parts_.blocking, log);
  }
  return nullptr;
}

}  // namespace waypost::daemon
