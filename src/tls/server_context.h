// The TLS side of a service that accepts connections: certificates, protocols, session tickets. Immutable and shared
// between threads; when files change, build another one and let running sessions finish with this.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tls/policy.h"
#include "tls/server_names.h"

struct ssl_st;
using SSL = ssl_st;
struct ssl_ctx_st;
using SSL_CTX = ssl_ctx_st;

namespace waypost::tls {

// Certificates, for servers and clients: chain_files, or the pairs, of which one or both may be empty.
struct CertificateFiles {
  std::vector<std::string> chain_files;  // each: private key, certificate, its issuers; and again for other keys
  std::string cert_file;
  std::string key_file;  // empty: the key is in cert_file
  std::string eccert_file;
  std::string eckey_file;  // empty: the key is in eccert_file

  // "none" counts as empty, as in main.cf.
  bool empty() const;
};

struct ServerSettings {
  CertificateFiles certificates;
  std::string ca_file;  // whom to believe about clients, and what completes our chain
  std::string ca_path;
  std::string protocols;           // policy.h; for a session with mandatory TLS give the mandatory list
  std::string ciphers = "medium";  // a grade
  std::string exclude_ciphers;
  Tuning tuning;
  bool ask_client_certificate = false;  // the handshake goes on without one, and with a bad one: see inspect_peer()
  bool prefer_our_ciphers = false;
  int verify_depth = 9;
  std::chrono::seconds session_lifetime{3600};  // smtpd_tls_session_cache_timeout; 0: no session is resumed
  std::string dh_parameters_file;               // smtpd_tls_dh1024_param_file; empty, "auto": built in; "none": no DHE
  ChainLookup server_names;                     // null: every client is shown the same certificate
  NameTrouble name_trouble;
};

class ServerContext {
 public:
  // With `previous`, tickets that it gave out stay good.
  // Errc::not_found with "No server certs available. TLS won't be enabled" when no certificate is configured; otherwise
  // the text names the file or setting and OpenSSL's reason (Errc::io, Errc::invalid, Errc::tls).
  static Result<std::shared_ptr<const ServerContext>> create(const ServerSettings& settings,
                                                             const ServerContext* previous = nullptr);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  // Whether the name that a client asks for matters.
  bool knows_names() const { return knows_names_; }
  // For net::Stream::handshake() as the server; the caller owns it until then. Any thread.
  Result<SSL*> new_session() const;

 private:
  ServerContext(SSL_CTX* context, bool knows_names) : context_(context), knows_names_(knows_names) {}
  SSL_CTX* context_;
  bool knows_names_;
};

}  // namespace waypost::tls
