#include "daemon/smtpd_services.h"

#include <unistd.h>

#include "smtp_server/dovecot_auth.h"
#include "smtp_server/file_auth.h"
#include "smtp_server/mechanism_filter.h"

namespace waypost::daemon {
namespace {

// A listener without relay protection: it says so and hangs up, as smtpd does.
net::Task<void> refuse(net::Stream stream, Log log, std::string why) {
  log.fatal("{}", why);
  stream.close();
  co_return;
}

}  // namespace

SmtpdServices::SmtpdServices(Parts parts)
    : parts_(parts),
      intake_(parts.intake),
      named_{parts.log, parts.clock, intake_, parts.names, numbers_, &parts.notices},
      unnamed_{parts.log, parts.clock, intake_, no_names_, numbers_, &parts.notices} {}

const SmtpdServices::Limits& SmtpdServices::limits_for(const SmtpdPlan& plan) {
  auto& limits = limits_[plan.key];
  if (limits.connections) {
    limits.connections->set_limits(plan.connection_limit, 0);
    limits.client_connections->set_limits(0, plan.client_connection_limit);
    limits.rates->set_unit(plan.rate_time_unit);
  } else {
    limits = {std::make_shared<net::Limiter>(plan.connection_limit),
              std::make_shared<net::Limiter>(0, plan.client_connection_limit),
              std::make_shared<smtp_server::ClientRates>(parts_.clock, plan.rate_time_unit)};
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
      .access = std::make_shared<smtp_server::PolicyAccess>(plan.policy, plan.client_lists, plan.hidden_keywords,
                                                            plan.command_filter),
      .authenticator = filtered(plan, authenticator_for(plan)),
      .tls_context = plan.tls,
      .connections = limits.connections,
      .client_connections = plan.client_connection_limit > 0 ? limits.client_connections : nullptr,
      .rates = plan.settings.rate_limits.any() ? limits.rates : nullptr,
  });
  auto* const environment = plan.peername_lookup ? &named_ : &unnamed_;
  return std::make_shared<const Listeners::Handler>([service, environment](net::Stream stream, net::TaskGroup& group) {
    return smtp_server::serve(std::move(stream), service, *environment, group);
  });
}

std::shared_ptr<smtp_server::Authenticator> SmtpdServices::filtered(
    const SmtpdPlan& plan, std::shared_ptr<smtp_server::Authenticator> backend) const {
  if (!backend) return nullptr;
  const Log log(parts_.log, plan.settings.tag, static_cast<std::uint32_t>(::getpid()));
  return std::make_shared<smtp_server::MechanismFilter>(std::move(backend), plan.sasl.mechanism_filter, log);
}

std::shared_ptr<smtp_server::Authenticator> SmtpdServices::authenticator_for(const SmtpdPlan& plan) const {
  const Log log(parts_.log, plan.settings.tag, static_cast<std::uint32_t>(::getpid()));
  const auto& sasl = plan.sasl;
  switch (sasl.type) {
    case SaslPlan::Type::none:
      return nullptr;
    case SaslPlan::Type::dovecot:
      return smtp_server::DovecotAuthenticator::create({.server = sasl.server,
                                                        .service = sasl.service,
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
