// The table behind ServerSession: what each command may do, and when. Internal to smtp/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smtp/server_session.h"

namespace waypost::smtp {

struct CommandRule {
  using Check = std::string (ServerSession::*)(const Command&);
  using Apply = Action (ServerSession::*)(const Command&);

  Verb verb;
  std::uint32_t phases;          // bit n: allowed in phase n
  std::string_view wrong_phase;  // the reply elsewhere
  bool before_tls;               // also while smtpd_tls_security_level=encrypt waits for STARTTLS
  bool ends_group;               // RFC 2920 §3.1: the client must wait for the answer
  bool counts_as_junk;           // may be repeated without end, so its number is limited
  Check check;
  Apply apply;

  bool allows(std::uint8_t phase) const { return (phases >> phase & 1U) != 0; }
};

struct CommandRules {
  // Not for Verb::unknown.
  static const CommandRule& find(Verb verb);
};

}  // namespace waypost::smtp
