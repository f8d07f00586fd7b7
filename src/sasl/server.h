// The server's side of AUTH (RFC 4954): mechanisms PLAIN (RFC 4616) and LOGIN (the old Microsoft and Netscape way), as
// exchanges of raw bytes. Base64, "=" and "*" belong to SMTP and are the caller's.
//
// An exchange never decides whether a password is right: it ends in Credentials, and the caller asks whoever keeps the
// passwords, which may take long. Responses, names and passwords are held to limits; a response that breaks the
// mechanism's grammar ends in a Refusal. Pure; one thread at a time. Passwords are wiped and never logged.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/secret.h"

namespace waypost::sasl {

// Of one response after base64 decoding. RFC 4616 §2 suggests no less than 1,024 bytes for each of three fields;
// Postfix takes lines of 2,048 characters.
inline constexpr std::size_t kMaxResponseBytes = 4'096;
inline constexpr std::size_t kMaxUserBytes = 255;
inline constexpr std::size_t kMaxPasswordBytes = 1'024;

// What the client claims; not verified.
struct Credentials {
  std::string user;
  std::string authorize_as;  // RFC 4616 authzid; empty: the same as `user`
  Secret password;
};

// Send `text` and wait for a response. Empty is a challenge too.
struct Challenge {
  std::string text;
};

// The exchange is over and failed: RFC 4954's 454 when temporary, else 501 or 535. `reason` is for the log.
struct Refusal {
  std::string reason;
  bool temporary = false;
};

using Step = std::variant<Challenge, Credentials, Refusal>;

class ServerExchange {
 public:
  virtual ~ServerExchange() = default;
  virtual std::string_view mechanism() const = 0;
  // Without an initial response; or with one, which may be empty (SMTP's "=").
  virtual Step start() = 0;
  virtual Step start(std::string_view initial_response) = 0;
  // After each Challenge. After any other step the exchange must not be used.
  virtual Step next(std::string_view response) = 0;
};

// The names for EHLO, in the order in which they are announced.
std::vector<std::string_view> server_mechanisms();

// nullptr when `mechanism` (any case) is not one of server_mechanisms().
std::unique_ptr<ServerExchange> make_server_exchange(std::string_view mechanism);

}  // namespace waypost::sasl
