#include "tls/trust_anchors.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "tls/context.h"

namespace waypost::tls {

namespace {

std::unexpected<Error> unusable(const std::string& file, std::string_view why) {
  ERR_clear_error();
  return fail(Errc::io, fmt::format("cannot use trust anchors in file \"{}\": {}", file, why));
}

Result<std::size_t> add_file(X509_STORE* store, const std::string& file) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> input(BIO_new_file(file.c_str(), "r"), BIO_free);
  if (!input) return unusable(file, openssl_reason());
  std::size_t count = 0;
  for (; count <= kMaxTrustAnchors; ++count) {
    const std::unique_ptr<X509, decltype(&X509_free)> anchor(PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr),
                                                             X509_free);
    if (!anchor) break;
    if (X509_STORE_add_cert(store, anchor.get()) != 1) return unusable(file, openssl_reason());
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (count > kMaxTrustAnchors) return unusable(file, "too many certificates");
  if (!at_end) return unusable(file, openssl_reason());
  if (count == 0) return unusable(file, "there is no certificate (a bare public key is not supported)");
  ERR_clear_error();
  return count;
}

}  // namespace

Result<std::shared_ptr<const TrustAnchors>> TrustAnchors::load(std::span<const std::string> files) {
  ERR_clear_error();
  std::shared_ptr<const TrustAnchors> anchors(new TrustAnchors(X509_STORE_new()));
  if (anchors->store_ == nullptr) return fail(Errc::tls, "cannot make a certificate store: " + openssl_reason());
  // An anchor that somebody else issued is an end of the chain all the same.
  X509_STORE_set_flags(anchors->store_, X509_V_FLAG_PARTIAL_CHAIN);
  for (const std::string& file : files) {
    if (auto added = add_file(anchors->store_, file); !added) return std::unexpected(std::move(added.error()));
  }
  return anchors;
}

TrustAnchors::~TrustAnchors() { X509_STORE_free(store_); }

}  // namespace waypost::tls
