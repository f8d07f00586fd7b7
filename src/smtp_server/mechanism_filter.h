// smtpd_sasl_mechanism_filter: lets through only those of a backend's mechanisms that a pattern list has. Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/log.h"
#include "smtp_server/ports.h"
#include "tables/match_list.h"

namespace waypost::smtp_server {

class MechanismFilter final : public Authenticator {
 public:
  MechanismFilter(std::shared_ptr<Authenticator> backend, tables::MatchList filter, Log log)
      : backend_(std::move(backend)), filter_(std::move(filter)), log_(std::move(log)) {}

  // A mechanism about which the list cannot say anything is not offered.
  net::Task<std::string> mechanisms(bool encrypted) override;
  std::unique_ptr<AuthExchange> begin(const std::string& mechanism, const AuthClient& client) override;

 private:
  std::shared_ptr<Authenticator> backend_;
  const tables::MatchList filter_;
  const Log log_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> refused_;  // in capitals; never more than the backend has
};

}  // namespace waypost::smtp_server
