// Who is at the other end of a TLS connection, and how Postfix words it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;
using SSL = ssl_st;

namespace waypost::tls {

struct PeerStatus {
  bool presented = false;       // a certificate came
  bool trusted = false;         // its chain ends at one of our authorities and is in order
  bool resumed = false;         // an earlier session was taken up
  std::string verify_error;     // why not trusted: "untrusted issuer Some CA", or OpenSSL's reason
  std::string name_matched;     // the certificate's name that fits, empty when none does (or none was asked for)
  std::string subject_cn;       // printable; empty when there is none
  std::string issuer_cn;        // the issuer's CN, else its organisation
  std::string fingerprint;      // "AB:CD:...", of the certificate, by the digest asked for
  std::string key_fingerprint;  // likewise, of its public key

  bool verified() const { return trusted && !name_matched.empty(); }
};

// After the handshake. `names` are patterns: "mx.example.com", ".example.com" for any name below it, or an address. The
// certificate's DNS names and addresses count; its CN only when it has no DNS names (RFC 6125 §6.4.4). `digest` is
// OpenSSL's name; an unknown one leaves the fingerprints empty, which match nothing.
PeerStatus inspect_peer(const SSL* ssl, std::span<const std::string> names = {}, std::string_view digest = "sha256");

// Whether OpenSSL knows a digest by this name.
bool is_digest(std::string_view name);

// Does a certificate's name fit a pattern? A leading "*." stands for exactly one label (RFC 6125 §6.4.3).
bool name_matches(std::string_view certificate_name, std::string_view pattern);

// The words of smtp_tls_verify_cert_match, smtp_tls_secure_cert_match or a policy's match=: "hostname", "nexthop",
// "dot-nexthop" or names -> patterns for inspect_peer(). `nexthop` is a bare domain.
std::vector<std::string> expand_match(std::span<const std::string> strategies, std::string_view hostname,
                                      std::string_view nexthop);

// Is one of `accepted` (hex with or without colons, any case) the peer's certificate or key fingerprint?
bool fingerprint_matches(const PeerStatus& peer, std::span<const std::string> accepted);

enum class Trust : std::uint8_t { anonymous, untrusted, trusted, verified };
// `authenticated`: the level asked for proof, and the peer gave it.
Trust trust_of(const PeerStatus& peer, bool authenticated);
// "Anonymous", "Untrusted", "Trusted", "Verified".
std::string_view trust_word(Trust trust);

// "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits)
// server-digest SHA256": what follows the colon in Postfix's log line.
std::string describe(const SSL* ssl);

// The name that the client asked for (SNI); null: none.
const char* server_name(const SSL* ssl);

// The parts, for Received: headers and events.
struct SessionFacts {
  std::string protocol;  // "TLSv1.3"
  std::string cipher;
  int bits_used = 0;
  int bits_of_algorithm = 0;
  std::string key_exchange;      // "X25519", "ECDHE (prime256v1)"; empty below TLS 1.3
  std::string server_signature;  // "RSA-PSS (2048 bits)"; empty when resumed
  std::string server_digest;     // "SHA256"
  std::string client_signature;
  std::string client_digest;
};
SessionFacts session_facts(const SSL* ssl);

}  // namespace waypost::tls
