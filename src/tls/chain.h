// Keys and certificates as PEM: a private key, its certificate and that certificate's issuers, and again for another
// kind of key: the order that Postfix's chain files have. Inside tls/ only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

#include "base/result.h"

namespace waypost::tls {

class Chain {
 public:
  // Errc::io says what is wrong with the file or text.
  static Result<Chain> read_file(const std::string& path);
  static Result<Chain> read_text(std::string_view pem);

  // For all sessions of a context, or for one. Errc::io: a key and its certificate do not fit.
  Result<> use(SSL_CTX* context) const;
  Result<> use(SSL* session) const;

 private:
  template <auto free>
  struct Freed {
    template <class T>
    void operator()(T* object) const {
      free(object);
    }
  };
  using InputPtr = std::unique_ptr<BIO, Freed<BIO_free>>;
  using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
  using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;

  // One key, its certificate, and that certificate's issuers.
  struct Run {
    KeyPtr key;
    CertificatePtr leaf;
    std::vector<CertificatePtr> issuers;
  };
  static Result<Chain> read(InputPtr input);
  bool add_block(std::string_view label, const unsigned char* data, long length);
  template <class Target, class Use>
  Result<> use_all(Target* target, Use use) const;

  std::vector<Run> runs_;
};

}  // namespace waypost::tls
