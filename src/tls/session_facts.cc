// What was agreed on in a handshake, in Postfix's words.
#include <memory>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tls/peer.h"

namespace waypost::tls {

namespace {

std::string curve_of(const EVP_PKEY* key) {
  char group[80];
  std::size_t length = 0;
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &length) != 1) return {};
  return std::string(group, length);
}

const char* type_name(const EVP_PKEY* key) {
  const char* const name = OBJ_nid2sn(EVP_PKEY_get_base_id(key));
  return name != nullptr ? name : "unknown";
}

std::string key_exchange_of(const SSL* ssl) {
  EVP_PKEY* key = nullptr;
  // The macro takes a non-const SSL and only reads it.
  if (SSL_get_peer_tmp_key(const_cast<SSL*>(ssl), &key) != 1 || key == nullptr) return {};
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> guard(key, EVP_PKEY_free);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_DH:
      return fmt::format("DHE ({} bits)", EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC:
      return fmt::format("ECDHE ({})", curve_of(key));
    default:
      return type_name(key);
  }
}

// TLS 1.3 signs with RSA-PSS whenever the key is RSA (RFC 8446 §4.2.3).
std::string signature_of(const X509* certificate) {
  const EVP_PKEY* const key = X509_get0_pubkey(certificate);
  if (key == nullptr) return {};
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return fmt::format("RSA-PSS ({} bits)", EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC:
      return fmt::format("ECDSA ({})", curve_of(key));
    default:
      return type_name(key);
  }
}

std::string digest_name(int nid) {
  const char* const name = nid != NID_undef ? OBJ_nid2sn(nid) : nullptr;
  return name != nullptr ? name : "";
}

void add_signatures(SessionFacts& facts, const SSL* ssl) {
  int ours = NID_undef;
  int theirs = NID_undef;
  SSL_get_signature_nid(const_cast<SSL*>(ssl), &ours);
  SSL_get_peer_signature_nid(const_cast<SSL*>(ssl), &theirs);
  const bool we_serve = SSL_is_server(ssl) == 1;
  const X509* const our_certificate = SSL_get_certificate(ssl);
  const X509* const their_certificate = SSL_get0_peer_certificate(ssl);
  // A client may hold a certificate that the server did not ask for: only a signature shows that it was used.
  if (our_certificate != nullptr && (we_serve || ours != NID_undef)) {
    (we_serve ? facts.server_signature : facts.client_signature) = signature_of(our_certificate);
    (we_serve ? facts.server_digest : facts.client_digest) = digest_name(ours);
  }
  if (their_certificate != nullptr) {
    (we_serve ? facts.client_signature : facts.server_signature) = signature_of(their_certificate);
    (we_serve ? facts.client_digest : facts.server_digest) = digest_name(theirs);
  }
}

}  // namespace

SessionFacts session_facts(const SSL* ssl) {
  SessionFacts facts;
  facts.protocol = SSL_get_version(ssl);
  if (const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl)) {
    facts.cipher = SSL_CIPHER_get_name(cipher);
    facts.bits_used = SSL_CIPHER_get_bits(cipher, &facts.bits_of_algorithm);
  }
  if (SSL_version(ssl) < TLS1_3_VERSION) return facts;  // older ciphers say it in their names
  facts.key_exchange = key_exchange_of(ssl);
  if (SSL_session_reused(ssl) == 0) add_signatures(facts, ssl);
  return facts;
}

std::string describe(const SSL* ssl) {
  const SessionFacts facts = session_facts(ssl);
  std::string out = fmt::format("{} with cipher {} ({}/{} bits)", facts.protocol, facts.cipher, facts.bits_used,
                                facts.bits_of_algorithm);
  const auto add = [&out](std::string_view label, const std::string& value) {
    if (!value.empty()) out.append(" ").append(label).append(" ").append(value);
  };
  add("key-exchange", facts.key_exchange);
  add("server-signature", facts.server_signature);
  add("server-digest", facts.server_digest);
  add("client-signature", facts.client_signature);
  add("client-digest", facts.client_digest);
  return out;
}

}  // namespace waypost::tls
