#include "review/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

namespace waypost::review {
namespace {

template <auto free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};

std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string subject_of(const X509* certificate) {
  const std::unique_ptr<BIO, Freed<BIO_free>> out(BIO_new(BIO_s_mem()));
  if (!out) return "";
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "";
}

}  // namespace

std::vector<CertificateDates> certificates_in(const std::string& file) {
  std::vector<CertificateDates> out;
  const std::unique_ptr<BIO, Freed<BIO_free>> input(BIO_new_file(file.c_str(), "r"));
  while (input && out.size() < kMaxCertificates) {
    const std::unique_ptr<X509, Freed<X509_free>> certificate(
        PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    out.push_back({subject_of(certificate.get()), time_of(X509_get0_notBefore(certificate.get())),
                   time_of(X509_get0_notAfter(certificate.get()))});
  }
  ERR_clear_error();
  return out;
}

}  // namespace waypost::review
