// Certificates that are believed by themselves, and whatever they issued (smtp_tls_trust_anchor_file, the tafile= of a
// TLS policy). They need not be self-signed. Immutable, any thread.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"

struct x509_store_st;
using X509_STORE = x509_store_st;

namespace waypost::tls {

inline constexpr std::size_t kMaxTrustAnchors = 1'000;

class TrustAnchors {
 public:
  // Reads the files: one or more PEM certificates in each. Errc::io names the file and the reason. Bare public keys are
  // no anchors here: they are passed over, and a file that holds nothing else is an error.
  static Result<std::shared_ptr<const TrustAnchors>> load(std::span<const std::string> files);
  ~TrustAnchors();
  TrustAnchors(const TrustAnchors&) = delete;
  TrustAnchors& operator=(const TrustAnchors&) = delete;

  // OpenSSL counts references in it, which is why it is not const.
  X509_STORE* store() const { return store_; }

 private:
  explicit TrustAnchors(X509_STORE* store) : store_(store) {}
  X509_STORE* store_;
};

}  // namespace waypost::tls
