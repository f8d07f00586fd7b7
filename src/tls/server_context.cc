#include "tls/server_context.h"

#include <array>

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tls/context.h"

namespace waypost::tls {

namespace {

// Resumption is by ticket alone, so no cache grows here. One ticket, not the two that OpenSSL sends by default: a mail
// client opens its connections one after the other.
constexpr std::size_t kTicketsPerSession = 1;
constexpr std::string_view kSessionIdContext = "waypost";
constexpr std::size_t kTicketKeyBytes = 80;  // name, HMAC and AES key, as OpenSSL 3 lays them out

void set_tickets(SSL_CTX* context, std::chrono::seconds lifetime, SSL_CTX* previous) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, kTicketsPerSession);
  SSL_CTX_set_timeout(context, static_cast<long>(lifetime.count()));
  if (lifetime.count() == 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSessionIdContext.data()),
                                 static_cast<unsigned>(kSessionIdContext.size()));
  if (previous == nullptr) return;
  std::array<unsigned char, kTicketKeyBytes> keys{};
  if (SSL_CTX_get_tlsext_ticket_keys(previous, keys.data(), keys.size()) == 1) {
    SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), keys.size());
  }
  OPENSSL_cleanse(keys.data(), keys.size());
}

// RFC 7919 groups fit to the key unless the operator has parameters of his own.
Result<> set_dh_parameters(SSL_CTX* context, const std::string& file) {
  if (file == "none") return {};
  if (file.empty() || file == "auto") {
    SSL_CTX_set_dh_auto(context, 1);
    return {};
  }
  const std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })> input(BIO_new_file(file.c_str(), "r"));
  EVP_PKEY* const parameters = input ? PEM_read_bio_Parameters(input.get(), nullptr) : nullptr;
  if (parameters == nullptr || SSL_CTX_set0_tmp_dh_pkey(context, parameters) != 1) {
    EVP_PKEY_free(parameters);
    return fail(Errc::io, fmt::format("cannot load DH parameters from file {}: {}", file, openssl_reason()));
  }
  return {};
}

// What the client shows is judged after the handshake, by inspect_peer().
int accept_any_certificate(int, X509_STORE_CTX*) { return 1; }

}  // namespace

Result<std::shared_ptr<const ServerContext>> ServerContext::create(const ServerSettings& settings,
                                                                   const ServerContext* previous) {
  if (settings.certificates.empty()) return fail(Errc::not_found, "No server certs available. TLS won't be enabled");
  auto context =
      make_context(TLS_server_method(), {settings.protocols, settings.ciphers, settings.exclude_ciphers,
                                         settings.tuning, settings.ca_file, settings.ca_path, settings.verify_depth});
  if (!context) return std::unexpected(std::move(context.error()));
  if (auto loaded = load_certificates(context->get(), settings.certificates); !loaded) {
    return std::unexpected(std::move(loaded.error()));
  }
  set_tickets(context->get(), settings.session_lifetime, previous != nullptr ? previous->context_ : nullptr);
  if (auto set = set_dh_parameters(context->get(), settings.dh_parameters_file); !set) {
    return std::unexpected(std::move(set.error()));
  }
  if (settings.server_names) use_server_names(context->get(), settings.server_names, settings.name_trouble);
  if (settings.prefer_our_ciphers) SSL_CTX_set_options(context->get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (settings.ask_client_certificate) {
    SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, accept_any_certificate);
    if (is_set(settings.ca_file)) {
      SSL_CTX_set_client_CA_list(context->get(), SSL_load_client_CA_file(settings.ca_file.c_str()));
    }
  }
  return std::shared_ptr<const ServerContext>(new ServerContext(context->release(), settings.server_names != nullptr));
}

ServerContext::~ServerContext() { SSL_CTX_free(context_); }

Result<SSL*> ServerContext::new_session() const {
  SSL* const ssl = SSL_new(context_);
  if (ssl == nullptr) return fail(Errc::tls, "cannot make a TLS session: " + openssl_reason());
  return ssl;
}

}  // namespace waypost::tls
