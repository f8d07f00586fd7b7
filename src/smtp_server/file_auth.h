// smtpd_sasl_type=file, Waypost's own: PLAIN and LOGIN against a PasswordFile. Hashing runs on the blocking pool, so
// that no io thread waits for it. Any thread.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "net/blocking.h"
#include "smtp_server/password_file.h"
#include "smtp_server/ports.h"

namespace waypost::smtp_server {

struct FileAuthSettings {
  std::string path;                              // smtpd_sasl_path
  std::string local_domain;                      // smtpd_sasl_local_domain: completes names without '@'
  std::string security_options = "noanonymous";  // noplaintext leaves nothing to offer
  std::string tls_security_options = "noanonymous";
};

class FileAuthenticator final : public Authenticator {
 public:
  // `pool` outlives every session.
  FileAuthenticator(FileAuthSettings settings, net::BlockingPool& pool, Log log);

  net::Task<std::string> mechanisms(bool encrypted) override;
  std::unique_ptr<AuthExchange> begin(const std::string& mechanism, const AuthClient& client) override;

 private:
  std::string offered(bool encrypted) const;

  const FileAuthSettings settings_;
  net::BlockingPool& pool_;
  const Log log_;
  std::shared_ptr<PasswordFile> file_;
};

}  // namespace waypost::smtp_server
