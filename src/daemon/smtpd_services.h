// The smtpd services of a snapshot as they serve connections: plans with their policy, limits and authenticator put
// together.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/client_names.h"
#include "daemon/listeners.h"
#include "daemon/snapshot.h"
#include "intake/intake.h"
#include "net/blocking.h"
#include "net/limiter.h"
#include "smtp_server/adapters.h"
#include "smtp_server/session.h"

namespace waypost::daemon {

class SmtpdServices {
 public:
  // All outlive the services.
  struct Parts {
    LogSink& log;
    const Clock& clock;
    intake::Intake& intake;
    ClientNameCache& names;
    smtp_server::NoticePort& notices;
    net::IoThreads& threads;
    net::BlockingPool& blocking;
  };
  explicit SmtpdServices(Parts parts);

  // What serves a connection of this service. Limits are kept over reloads by the service's name.
  std::shared_ptr<const Listeners::Handler> handler(const SmtpdPlan& plan);

 private:
  struct Limits {
    std::shared_ptr<net::Limiter> connections, client_connections;
    std::shared_ptr<smtp_server::ClientRates> rates;
  };
  const Limits& limits_for(const SmtpdPlan& plan);
  std::shared_ptr<smtp_server::Authenticator> authenticator_for(const SmtpdPlan& plan) const;
  std::shared_ptr<smtp_server::Authenticator> filtered(const SmtpdPlan& plan,
                                                       std::shared_ptr<smtp_server::Authenticator> backend) const;

  Parts parts_;
  smtp_server::IntakeAdapter intake_;
  smtp_server::NoNames no_names_;
  smtp_server::SessionNumbers numbers_;
  smtp_server::Environment named_, unnamed_;  // with and without smtpd_peername_lookup
  std::map<std::string, Limits> limits_;
};

}  // namespace waypost::daemon
