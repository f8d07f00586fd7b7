// smtpd_sasl_type=dovecot: AUTH is passed on to a Dovecot auth server, which knows the mechanisms and the passwords.
//
// Each exchange has a connection of its own, on the session's io thread: a server that restarted is found again by the
// next client, and a slow one holds up only those who ask it. No answer in time, or no connection, is a temporary
// failure (454), never a refusal. Any thread.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/endpoint.h"
#include "smtp_server/dovecot_protocol.h"
#include "smtp_server/ports.h"

namespace waypost::smtp_server {

struct DovecotSettings {
  net::Endpoint server;                              // see dovecot_endpoint()
  std::string service = "smtp";                      // smtpd_sasl_service
  std::string security_options = "noanonymous";      // smtpd_sasl_security_options
  std::string tls_security_options = "noanonymous";  // smtpd_sasl_tls_security_options
  std::chrono::seconds timeout{10};                  // for a connection, and for each answer
  std::chrono::seconds mechanisms_valid{300};        // then the server is asked again what it offers
};

// smtpd_sasl_path: "inet:host:port" (an address, or localhost), "unix:path" or a path; one that is not absolute is
// below `queue_directory`.
Result<net::Endpoint> dovecot_endpoint(std::string_view path, std::string_view queue_directory);

class DovecotAuthenticator final : public Authenticator, public std::enable_shared_from_this<DovecotAuthenticator> {
 public:
  static std::shared_ptr<DovecotAuthenticator> create(DovecotSettings settings, Log log);

  // As the server said last. Before it ever answered: PLAIN and LOGIN, so that clients try again instead of giving up.
  net::Task<std::string> mechanisms(bool encrypted) override;
  std::unique_ptr<AuthExchange> begin(const std::string& mechanism, const AuthClient& client) override;

 private:
  friend class DovecotExchange;
  DovecotAuthenticator(DovecotSettings settings, Log log) : settings_(std::move(settings)), log_(std::move(log)) {}
  std::string known_mechanisms(bool encrypted) const;
  void learn(const std::vector<dovecot::Mechanism>& mechanisms, MonoTime now);
  bool must_ask(MonoTime now) const;

  const DovecotSettings settings_;
  const Log log_;
  mutable std::mutex mutex_;
  std::vector<dovecot::Mechanism> mechanisms_;
  MonoTime learned_{};
};

}  // namespace waypost::smtp_server
