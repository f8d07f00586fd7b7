// The client's side of AUTH (RFC 4954): chooses a mechanism among those that a server offers, and holds the exchange in
// raw bytes. Base64 and the command line belong to SMTP and are the caller's.
//
// Preference is that of Cyrus SASL, which Postfix uses: CRAM-MD5, PLAIN, LOGIN, whatever the order of the server's
// list. Pure; one thread at a time. Passwords are wiped and never logged.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace waypost::sasl {

inline constexpr std::size_t kMaxChallengeBytes = 8'192;  // decoded
inline constexpr std::size_t kMaxChallenges = 20;         // of one exchange

// smtp_sasl_security_options: what a mechanism must offer to be used.
struct SecurityOptions {
  bool noplaintext = false;      // nothing that shows the password to who listens
  bool noactive = false;         // nothing that yields to an active attack
  bool nodictionary = false;     // nothing that yields to a dictionary
  bool noanonymous = false;      // nothing without a name
  bool mutual_auth = false;      // the server proves itself too
  bool forward_secrecy = false;  // one session's secrets say nothing about another's

  // "noplaintext, noanonymous": separated by commas or blanks, any case. Errc::invalid names the unknown word.
  static Result<SecurityOptions> parse(std::string_view text);
  bool operator==(const SecurityOptions&) const = default;
};

struct ClientCredentials {
  std::string user;
  Secret password;
};

class ClientExchange {
 public:
  virtual ~ClientExchange() = default;
  virtual std::string_view mechanism() const = 0;
  // What goes with the AUTH command; nullopt when the server speaks first. Once, before next().
  virtual Result<std::optional<Secret>> initial_response() = 0;
  // The answer to a challenge. Errc::invalid when the challenge breaks the mechanism or a limit: give up, with "*".
  virtual Result<Secret> next(std::string_view challenge) = 0;
};

struct Choice {
  std::vector<std::string_view> offered;  // by the server, any case, already filtered
  SecurityOptions options;
};

// Errc::not_found "no mechanism available" when none that is offered passes the options.
Result<std::unique_ptr<ClientExchange>> choose(const Choice& choice, const ClientCredentials& credentials);

// smtp_sasl_mechanism_filter: keeps what the list allows, in order. "!NAME" excludes; the first item that matches
// decides, any case; an empty list keeps all.
std::vector<std::string_view> filter_mechanisms(const std::vector<std::string_view>& offered,
                                                const std::vector<std::string>& filter);

}  // namespace waypost::sasl
