// The vocabulary of TLS settings, as main.cf writes it: security levels, protocol lists, cipher grades. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace waypost::tls {

// smtp_tls_security_level, weakest first; servers know the first three.
enum class Level : std::uint8_t { none, may, encrypt, fingerprint, verify, secure, dane, dane_only };

// "none" ... "secure", "dane", "dane-only"; case does not matter. nullopt for everything else, the empty string
// included.
std::optional<Level> parse_level(std::string_view text);
std::string_view level_name(Level level);
// No delivery without TLS.
constexpr bool is_mandatory(Level level) { return level != Level::none && level != Level::may && level != Level::dane; }
// The peer must be who it should be: chain and name, or fingerprint.
constexpr bool is_authenticated(Level level) { return level >= Level::fingerprint; }

// What a protocol list allows, in OpenSSL's terms.
struct Protocols {
  int lowest = 0;             // TLS1_2_VERSION, ...; 0: no bound of ours
  int highest = 0;            // likewise
  std::uint64_t options = 0;  // SSL_OP_NO_TLSv1_1, ... for holes

  bool operator==(const Protocols&) const = default;
};

// As smtp_tls_protocols is written: ">=TLSv1.2", "<=TLSv1.3", "!SSLv2, !SSLv3", "TLSv1.2 TLSv1.3"; separated by blanks,
// commas or colons. SSLv2 is known and never spoken. The empty list allows everything. Errc::invalid names the word.
Result<Protocols> parse_protocols(std::string_view list);

// What main.cf says about OpenSSL for servers and clients alike.
struct Tuning {
  // tls_high_cipherlist and tls_medium_cipherlist: what the grades stand for, in OpenSSL's syntax.
  std::string high = "HIGH:@STRENGTH";
  std::string medium = "HIGH:MEDIUM:+RC4:@STRENGTH";
  // tls_eecdh_auto_curves and tls_ffdhe_auto_groups, best first; those that OpenSSL does not know are left out, and
  // when none is left OpenSSL's own order holds.
  std::vector<std::string> groups;
  std::uint64_t options = 0;  // tls_ssl_options
};

// "NO_TICKET, PRIORITIZE_CHACHA", "0x400": the bits of SSL_OP_... Errc::invalid names the word.
Result<std::uint64_t> parse_ssl_options(std::string_view list);

// The OpenSSL cipher list (TLS 1.2 and older; the suites of 1.3 are all strong) for a grade ("high", "medium"; the old
// "low", "export" and "null" are refused) without the `excluded` ciphers or classes ("RC4, aNULL"). Errc::invalid names
// the word. Ciphers without authentication are never used.
Result<std::string> cipher_list(std::string_view grade, std::string_view excluded, const Tuning& tuning = {});

}  // namespace waypost::tls
