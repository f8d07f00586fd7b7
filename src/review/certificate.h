// When the certificates in a PEM file are valid. Inside review/ only. Blocking.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace waypost::review {

struct CertificateDates {
  std::string subject;  // "CN = relay.example.com"
  std::chrono::system_clock::time_point not_before, not_after;
};

inline constexpr std::size_t kMaxCertificates = 20;

// Those of the file, leaf first; empty when it cannot be read or holds none: whoever loads it says so.
std::vector<CertificateDates> certificates_in(const std::string& file);

}  // namespace waypost::review
