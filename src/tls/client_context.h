// The TLS side of connections that we open: trusted issuers, protocols, our certificate, and the sessions that can be
// taken up again. Immutable but for that cache; shared between threads.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "tls/policy.h"
#include "tls/server_context.h"
#include "tls/trust_anchors.h"

namespace waypost::tls {

class SessionCache;

struct ClientSettings {
  std::string ca_file;
  std::string ca_path;
  bool system_authorities = false;  // the system's store as well (tls_append_default_CA)
  std::string protocols;            // policy.h
  std::string ciphers = "medium";
  std::string exclude_ciphers;
  Tuning tuning;
  CertificateFiles certificates;  // ours, shown when the server asks
  int verify_depth = 9;
  std::size_t cached_sessions = 1000;  // oldest go first; 0: none are kept
  std::chrono::seconds session_lifetime{3600};
};

// What one connection does otherwise than its context.
struct SessionRules {
  std::optional<Protocols> protocols;
  std::string ciphers;                          // an OpenSSL list (cipher_list()); empty: the context's
  std::shared_ptr<const TrustAnchors> anchors;  // instead of the context's authorities; null: those
};

struct ClientHello {
  std::string server_name;  // SNI; empty or an address literal: none is sent
  // Which earlier sessions may be resumed: name everything that decides trust, as "nexthop/host/port/level". A session
  // is used once. Empty: neither looked up nor kept.
  std::string session_key;
  SessionRules rules;
};

class ClientContext {
 public:
  // The text names the file or setting and OpenSSL's reason.
  static Result<std::shared_ptr<const ClientContext>> create(const ClientSettings& settings);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  // For net::Stream::handshake() as the client; the caller owns it until then. The handshake succeeds whatever the
  // server's certificate is: ask inspect_peer() (peer.h) before trusting it. Any thread. The session object may outlive
  // this context.
  Result<SSL*> new_session(const ClientHello& hello) const;

 private:
  ClientContext(SSL_CTX* context, std::shared_ptr<SessionCache> cache);
  SSL_CTX* context_;
  std::shared_ptr<SessionCache> cache_;
};

}  // namespace waypost::tls
