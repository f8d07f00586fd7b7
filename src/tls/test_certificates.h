// For tests: a certificate authority of their own, and certificates from it, as PEM files in a temporary folder.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/assert.h"

namespace waypost::tls {

struct TestCertificate {
  std::string cert_file;
  std::string key_file;
};

struct TestCertificateOptions {
  std::string common_name = "localhost";
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;
  long valid_from_s = -3600;  // from now
  long valid_until_s = 86'400;
  bool rsa = false;  // EC P-256 otherwise: quicker
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test CA") {
    folder_ = "/tmp/waypost-tls-XXXXXX";
    WAYPOST_ASSERT(mkdtemp(folder_.data()) != nullptr);
    key_ = make_key(false);
    certificate_ = make_certificate({.common_name = name}, key_.get(), nullptr);
    write_certificate(ca_file(), certificate_.get());
  }
  ~TestAuthority() { std::filesystem::remove_all(folder_); }
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  std::string ca_file() const { return folder_ + "/ca.pem"; }
  const std::string& folder() const { return folder_; }

  // Files named after `stem`; an existing pair is replaced.
  TestCertificate issue(const std::string& stem, const TestCertificateOptions& options) {
    const Key key = make_key(options.rsa);
    const Certificate certificate = make_certificate(options, key.get(), certificate_.get());
    TestCertificate out{folder_ + "/" + stem + ".crt", folder_ + "/" + stem + ".key"};
    write_certificate(out.cert_file, certificate.get());
    const File file(fopen(out.key_file.c_str(), "w"), fclose);
    WAYPOST_ASSERT(file && PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return out;
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
  using Certificate = std::unique_ptr<X509, void (*)(X509*)>;
  using File = std::unique_ptr<FILE, int (*)(FILE*)>;

  static Key make_key(bool rsa) { return Key(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), EVP_PKEY_free); }

  static void write_certificate(const std::string& path, X509* certificate) {
    const File file(fopen(path.c_str(), "w"), fclose);
    WAYPOST_ASSERT(file && PEM_write_X509(file.get(), certificate) == 1);
  }

  static void add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    WAYPOST_ASSERT(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  // Signed by `issuer` with our key; by itself when that is null.
  Certificate make_certificate(const TestCertificateOptions& options, EVP_PKEY* key, X509* issuer) {
    Certificate certificate(X509_new(), X509_free);
    X509* const x = certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(x), options.valid_from_s);
    X509_gmtime_adj(X509_getm_notAfter(x), options.valid_until_s);
    X509_set_pubkey(x, key);
    X509_NAME* const subject = X509_get_subject_name(x);
    if (!options.common_name.empty()) {
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(options.common_name.data()),
                                 static_cast<int>(options.common_name.size()), -1, 0);
    }
    X509_set_issuer_name(x, issuer == nullptr ? subject : X509_get_subject_name(issuer));
    if (issuer == nullptr) add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    std::string names;
    for (const std::string& name : options.dns_names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
    for (const std::string& address : options.addresses) names += (names.empty() ? "IP:" : ",IP:") + address;
    if (!names.empty()) add_extension(x, NID_subject_alt_name, names);
    WAYPOST_ASSERT(X509_sign(x, key_.get(), EVP_sha256()) > 0);
    return certificate;
  }

  std::string folder_;
  Key key_{nullptr, EVP_PKEY_free};
  Certificate certificate_{nullptr, X509_free};
  long serial_ = 0;
};

}  // namespace waypost::tls
