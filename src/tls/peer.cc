#include "tls/peer.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/text.h"

namespace waypost::tls {

namespace {

constexpr std::size_t kMaxNameBytes = 255;

// A name from a certificate as text. nullopt when it is none: control bytes (a NUL hides what follows it) or too long.
std::optional<std::string> text_of(const ASN1_STRING* string) {
  unsigned char* bytes = nullptr;
  const int length = ASN1_STRING_to_UTF8(&bytes, string);
  if (length < 0) return std::nullopt;
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> guard(bytes,
                                                                       [](unsigned char* p) { OPENSSL_free(p); });
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  const bool plain = std::ranges::all_of(text, [](char c) { return c >= ' ' && c != 0x7f; });
  if (!plain || text.empty() || text.size() > kMaxNameBytes) return std::nullopt;
  return text;
}

std::string name_entry(const X509_NAME* name, int nid) {
  const int index = X509_NAME_get_index_by_NID(name, nid, -1);
  if (index < 0) return {};
  const auto text = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
  return text ? printable(*text, kMaxNameBytes) : std::string();
}

std::string issuer_name(const X509* certificate) {
  const X509_NAME* const issuer = X509_get_issuer_name(certificate);
  for (const int nid : {NID_commonName, NID_organizationName, NID_organizationalUnitName}) {
    if (std::string text = name_entry(issuer, nid); !text.empty()) return text;
  }
  return {};
}

// The names that a certificate speaks for.
std::vector<std::string> certificate_names(const X509* certificate) {
  std::vector<std::string> names;
  bool has_dns_names = false;
  auto* const alternatives =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type != GEN_DNS) continue;
    has_dns_names = true;
    if (auto text = text_of(name->d.dNSName)) names.push_back(std::move(*text));
  }
  GENERAL_NAMES_free(alternatives);
  if (!has_dns_names) {
    const X509_NAME* const subject = X509_get_subject_name(certificate);
    const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (index >= 0) {
      if (auto text = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)))) names.push_back(*text);
    }
  }
  return names;
}

std::string hex_with_colons(const unsigned char* bytes, unsigned count) {
  std::string out;
  for (unsigned i = 0; i < count; ++i) out += fmt::format("{}{:02X}", i == 0 ? "" : ":", bytes[i]);
  return out;
}

std::string certificate_digest(const X509* certificate, const EVP_MD* digest) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned count = 0;
  return X509_digest(certificate, digest, bytes, &count) == 1 ? hex_with_colons(bytes, count) : std::string();
}

std::string key_digest(X509* certificate, const EVP_MD* digest) {
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (length <= 0) return {};
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned count = 0;
  const bool done = EVP_Digest(der, static_cast<std::size_t>(length), bytes, &count, digest, nullptr) == 1;
  OPENSSL_free(der);
  return done ? hex_with_colons(bytes, count) : std::string();
}

std::string first_match(X509* certificate, std::span<const std::string> patterns) {
  const auto names = certificate_names(certificate);
  for (const std::string& pattern : patterns) {
    if (X509_check_ip_asc(certificate, pattern.c_str(), 0) == 1) return pattern;
    for (const std::string& name : names) {
      if (name_matches(name, pattern)) return name;
    }
  }
  return {};
}

// As Postfix words it: an operator looks for the issuer that is missing, whichever certificate of the chain names it.
std::string verify_error_text(long verdict, const std::string& issuer) {
  switch (verdict) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_UNTRUSTED:
      return "untrusted issuer " + issuer;
    default:
      return X509_verify_cert_error_string(verdict);
  }
}

std::string without_colons(std::string_view fingerprint) {
  std::string out = to_upper(fingerprint);
  std::erase(out, ':');
  return out;
}

}  // namespace

PeerStatus inspect_peer(const SSL* ssl, std::span<const std::string> names, std::string_view digest) {
  PeerStatus status;
  status.resumed = SSL_session_reused(ssl) == 1;
  X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return status;
  status.presented = true;
  const long verdict = SSL_get_verify_result(ssl);
  status.trusted = verdict == X509_V_OK;
  status.name_matched = first_match(certificate, names);
  status.subject_cn = name_entry(X509_get_subject_name(certificate), NID_commonName);
  status.issuer_cn = issuer_name(certificate);
  if (!status.trusted) status.verify_error = verify_error_text(verdict, status.issuer_cn);
  if (const EVP_MD* const method = EVP_get_digestbyname(std::string(digest).c_str())) {
    status.fingerprint = certificate_digest(certificate, method);
    status.key_fingerprint = key_digest(certificate, method);
  }
  return status;
}

bool name_matches(std::string_view certificate_name, std::string_view pattern) {
  if (certificate_name.ends_with('.')) certificate_name.remove_suffix(1);
  if (pattern.ends_with('.')) pattern.remove_suffix(1);
  if (certificate_name.empty() || pattern.empty()) return false;
  if (pattern.starts_with('.')) {
    return certificate_name.size() > pattern.size() &&
           iequals(certificate_name.substr(certificate_name.size() - pattern.size()), pattern);
  }
  if (!certificate_name.starts_with("*.")) return iequals(certificate_name, pattern);
  const auto dot = pattern.find('.');
  const std::string_view parent = certificate_name.substr(1);  // ".example.com"
  // "*.com" speaks for no one.
  return dot != std::string_view::npos && dot > 0 && parent.find('.', 1) != std::string_view::npos &&
         iequals(pattern.substr(dot), parent);
}

const char* server_name(const SSL* ssl) { return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name); }

bool is_digest(std::string_view name) { return EVP_get_digestbyname(std::string(name).c_str()) != nullptr; }

std::vector<std::string> expand_match(std::span<const std::string> strategies, std::string_view hostname,
                                      std::string_view nexthop) {
  std::vector<std::string> patterns;
  for (const std::string& word : strategies) {
    if (iequals(word, "hostname")) {
      patterns.emplace_back(hostname);
    } else if (iequals(word, "nexthop")) {
      patterns.emplace_back(nexthop);
    } else if (iequals(word, "dot-nexthop")) {
      patterns.push_back("." + std::string(nexthop));
    } else {
      patterns.emplace_back(word);
    }
  }
  return patterns;
}

bool fingerprint_matches(const PeerStatus& peer, std::span<const std::string> accepted) {
  const std::string of_certificate = without_colons(peer.fingerprint);
  const std::string of_key = without_colons(peer.key_fingerprint);
  return std::ranges::any_of(accepted, [&](const std::string& one) {
    const std::string wanted = without_colons(one);
    return !wanted.empty() && (wanted == of_certificate || wanted == of_key);
  });
}

Trust trust_of(const PeerStatus& peer, bool authenticated) {
  if (authenticated) return Trust::verified;
  if (!peer.presented) return Trust::anonymous;
  return peer.trusted ? Trust::trusted : Trust::untrusted;
}

std::string_view trust_word(Trust trust) {
  switch (trust) {
    case Trust::anonymous:
      return "Anonymous";
    case Trust::untrusted:
      return "Untrusted";
    case Trust::trusted:
      return "Trusted";
    case Trust::verified:
      return "Verified";
  }
  return "Anonymous";
}

}  // namespace waypost::tls
