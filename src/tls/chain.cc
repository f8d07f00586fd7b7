#include "tls/chain.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tls/context.h"

namespace waypost::tls {

// Takes one PEM block into the runs. False when it is damaged or has nothing to belong to.
bool Chain::add_block(std::string_view label, const unsigned char* data, long length) {
  if (label.ends_with("PRIVATE KEY")) {
    runs_.push_back(Run{KeyPtr(d2i_AutoPrivateKey(nullptr, &data, length)), nullptr, {}});
    return runs_.back().key != nullptr;
  }
  if (label != PEM_STRING_X509 && label != PEM_STRING_X509_OLD) return true;  // "EC PARAMETERS" and the like
  CertificatePtr certificate(d2i_X509(nullptr, &data, length));
  if (!certificate || runs_.empty()) return false;
  if (!runs_.back().leaf) {
    runs_.back().leaf = std::move(certificate);
  } else {
    runs_.back().issuers.push_back(std::move(certificate));
  }
  return true;
}

Result<Chain> Chain::read(InputPtr input) {
  if (!input) return fail(Errc::io, openssl_reason());
  Chain chain;
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;
  bool well = true;
  while (well && PEM_read_bio(input.get(), &label, &header, &data, &length) == 1) {
    well = chain.add_block(label, data, length);
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(length));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!well || !at_end)
    return fail(Errc::io, chain.runs_.empty() ? "the private key must come first" : openssl_reason());
  ERR_clear_error();
  if (chain.runs_.empty()) return fail(Errc::io, "there is no private key");
  return chain;
}

Result<Chain> Chain::read_file(const std::string& path) { return read(InputPtr(BIO_new_file(path.c_str(), "r"))); }

Result<Chain> Chain::read_text(std::string_view pem) {
  return read(InputPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))));
}

template <class Target, class Use>
Result<> Chain::use_all(Target* target, Use use_one) const {
  for (const Run& run : runs_) {
    if (!run.leaf) return fail(Errc::io, "a key has no certificate after it");
    const std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * stack) { sk_X509_free(stack); })> issuers(
        sk_X509_new_null());
    for (const CertificatePtr& issuer : run.issuers) sk_X509_push(issuers.get(), issuer.get());
    if (use_one(target, run.leaf.get(), run.key.get(), issuers.get(), 1) != 1) return fail(Errc::io, openssl_reason());
  }
  return {};
}

Result<> Chain::use(SSL_CTX* context) const { return use_all(context, SSL_CTX_use_cert_and_key); }

Result<> Chain::use(SSL* session) const {
  SSL_certs_clear(session);
  return use_all(session, SSL_use_cert_and_key);
}

}  // namespace waypost::tls
