#include "tls/client_context.h"

#include <utility>

#include <openssl/ssl.h>

#include "net/endpoint.h"
#include "tls/context.h"
#include "tls/session_cache.h"

namespace waypost::tls {

namespace {

// What an SSL object carries along: where its sessions go, and under which key.
struct SessionSlot {
  std::shared_ptr<SessionCache> cache;
  std::string key;
};

void free_slot(void*, void* slot, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<SessionSlot*>(slot); }

int slot_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_slot);
  return index;
}

// OpenSSL calls this when the server's ticket arrives: under TLS 1.3 that is with the first data after the handshake.
int keep_session(SSL* ssl, SSL_SESSION* session) {
  const auto* slot = static_cast<const SessionSlot*>(SSL_get_ex_data(ssl, slot_index()));
  if (slot == nullptr) return 0;
  slot->cache->put(slot->key, SessionPtr(session));
  return 1;  // the reference is ours now
}

Result<> offer_session(SSL* ssl, const std::shared_ptr<SessionCache>& cache, const std::string& key) {
  if (const SessionPtr session = cache->take(key)) SSL_set_session(ssl, session.get());
  auto slot = std::make_unique<SessionSlot>(SessionSlot{cache, key});
  if (SSL_set_ex_data(ssl, slot_index(), slot.get()) != 1) {
    return fail(Errc::tls, "cannot make a TLS session: " + openssl_reason());
  }
  slot.release();
  return {};
}

Result<> apply_rules(SSL* ssl, const SessionRules& rules) {
  if (rules.protocols) {
    constexpr std::uint64_t kAnyHole =
        SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3;
    SSL_clear_options(ssl, kAnyHole);
    SSL_set_options(ssl, rules.protocols->options);
    SSL_set_min_proto_version(ssl, rules.protocols->lowest);
    SSL_set_max_proto_version(ssl, rules.protocols->highest);
  }
  if (!rules.ciphers.empty() && SSL_set_cipher_list(ssl, rules.ciphers.c_str()) != 1) {
    return fail(Errc::invalid, "TLS cipher list \"" + rules.ciphers + "\": " + openssl_reason());
  }
  if (rules.anchors && SSL_set1_verify_cert_store(ssl, rules.anchors->store()) != 1) {
    return fail(Errc::tls, "cannot use the trust anchors: " + openssl_reason());
  }
  return {};
}

}  // namespace

ClientContext::ClientContext(SSL_CTX* context, std::shared_ptr<SessionCache> cache)
    : context_(context), cache_(std::move(cache)) {}

ClientContext::~ClientContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<const ClientContext>> ClientContext::create(const ClientSettings& settings) {
  auto context =
      make_context(TLS_client_method(), {settings.protocols, settings.ciphers, settings.exclude_ciphers,
                                         settings.tuning, settings.ca_file, settings.ca_path, settings.verify_depth});
  if (!context) return std::unexpected(std::move(context.error()));
  if (auto loaded = load_certificates(context->get(), settings.certificates); !loaded) {
    return std::unexpected(std::move(loaded.error()));
  }
  if (settings.system_authorities && SSL_CTX_set_default_verify_paths(context->get()) != 1) {
    return fail(Errc::io, "cannot load the system's Certification Authority data: " + openssl_reason());
  }
  // The chain is checked and its verdict kept, but a bad one does not end the handshake.
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(context->get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context->get(), keep_session);
  auto cache = std::make_shared<SessionCache>(settings.cached_sessions, settings.session_lifetime);
  return std::shared_ptr<const ClientContext>(new ClientContext(context->release(), std::move(cache)));
}

Result<SSL*> ClientContext::new_session(const ClientHello& hello) const {
  std::unique_ptr<SSL, decltype(&SSL_free)> guard(SSL_new(context_), SSL_free);
  SSL* const ssl = guard.get();
  if (ssl == nullptr) return fail(Errc::tls, "cannot make a TLS session: " + openssl_reason());
  // RFC 6066 §3: literal addresses are not sent.
  const bool is_name = !hello.server_name.empty() && net::literal_family(hello.server_name) == 0;
  if (is_name && SSL_set_tlsext_host_name(ssl, hello.server_name.c_str()) != 1) {
    return fail(Errc::invalid, "cannot send the server name \"" + hello.server_name + "\": " + openssl_reason());
  }
  if (auto applied = apply_rules(ssl, hello.rules); !applied) return std::unexpected(std::move(applied.error()));
  if (!hello.session_key.empty()) {
    if (auto offered = offer_session(ssl, cache_, hello.session_key); !offered) {
      return std::unexpected(std::move(offered.error()));
    }
  }
  return guard.release();
}

}  // namespace waypost::tls
