// What a server offers in its answer to EHLO (RFC 5321 §4.1.1.1). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::smtp {

inline constexpr std::size_t kMaxAuthMechanisms = 64;

// Attributes of the XFORWARD command (Postfix's extension for content filters).
struct Xforward {
  static constexpr std::uint8_t kName = 1, kAddress = 2, kProtocol = 4, kHelo = 8, kIdent = 16, kSource = 32;
};

struct ServerFeatures {
  std::string host;  // as the server calls itself
  bool pipelining = false, eight_bit_mime = false, starttls = false, dsn = false, smtputf8 = false;
  bool size = false, auth = false;
  std::uint8_t xforward = 0;            // the attributes that may be sent, as bits of Xforward
  std::uint64_t size_limit = 0;         // bytes; 0: none announced
  std::string bad_size;                 // a SIZE argument that is no number
  std::vector<std::string> mechanisms;  // of AUTH, as written, each once

  bool operator==(const ServerFeatures&) const = default;
};

// `text`: the reply's lines with their codes, as in ServerReply::text. Keywords that `discard` names (any case:
// smtp_discard_ehlo_keywords) are passed over. "AUTH=" is read as "AUTH ", as old servers write it. 8BITMIME is implied
// by SMTPUTF8 (RFC 6531 §3.1).
ServerFeatures parse_ehlo(std::string_view text, const std::vector<std::string>& discard = {});

}  // namespace waypost::smtp
