// THE failure policy: what a failed step of a delivery means for its recipients, for the next host and for the lane.
// Pure, any thread. The agents describe what happened (Failure); nothing else in the program decides between deferring
// and bouncing, and every rule has a row in verdict_test.cc.
//
// In words: a temporary failure goes to the next host, and defers on the last one. A permanent failure bounces at once,
// except where one host's refusal says little about the mail (5xx greeting, AUTH, anything about TLS) or where the
// relayhost is what fails (the operator's mistake must not cost mail). Failures before the first MAIL FROM reply and
// broken connections condemn the site, all others only the message or the recipient.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "delivery/agent.h"

namespace waypost::delivery {

// The step that failed.
enum class Stage : std::uint8_t {
  routing,      // the nexthop itself: syntax, loops back to us, null MX, no MX with an address
  dns,          // looking the nexthop up
  connect,      // no TCP connection
  greeting,     // the 220 banner
  ehlo,         // EHLO and HELO (LHLO) both refused
  starttls,     // mandatory TLS: not offered, refused, or the handshake failed
  tls_verify,   // the certificate is not the one that the policy asks for
  tls_policy,   // the policy itself cannot be used (malformed table entry, no certificate store)
  auth,         // SASL: refused, or no mechanism in common
  size,         // larger than the SIZE that the server announced
  capability,   // the message needs what the server lacks (SMTPUTF8)
  mail,         // reply to MAIL FROM
  rcpt,         // reply to RCPT TO: about one recipient only
  data,         // reply to DATA
  end_of_data,  // reply to the final dot
  content,      // our own copy could not be read from the spool
};

enum class Cause : std::uint8_t {
  reply,            // the server answered with `reply`
  lost_connection,  // closed or reset by the peer
  timed_out,
  temporary,  // our own finding (DNS, TLS, local), may pass
  permanent,  // our own finding, will not change (host not found, null MX, mail loops back)
};

struct Reply {
  int code = 0;          // anything but 400..599 is a protocol error
  std::string_view dsn;  // enhanced status as sent by the server, empty when none
};

// What went wrong. `dsn` is for causes other than reply; empty takes the stage's own code.
struct Failure {
  Stage stage = Stage::connect;
  Cause cause = Cause::temporary;
  Reply reply;
  std::string_view dsn;
  bool last_host = true;      // no other host (MX, address, fallback) can be tried in this attempt
  bool is_relayhost = false;  // the nexthop is what relayhost (or smtp_fallback_relay) names
  bool session_done = false;  // an earlier host of this attempt went through a whole session: the site is alive
};

// The parameters of the same names; per smtp service.
struct FailureSettings {
  bool soft_bounce = false;
  bool skip_5xx_greeting = true;
  bool sasl_auth_soft_bounce = true;
};

struct Verdict {
  Status status = Status::deferred;  // of the recipients concerned, if no other host is tried
  std::string dsn;                   // "4.4.1"; its class agrees with status
  std::string_view word;             // for the log: "deferred", "bounced", or "SOFTBOUNCE"
  bool try_next_host = false;        // keep the recipients, go on with the next host; then status is not used
  bool site_failure = false;         // Report.health: the lane gets negative feedback
  bool close_session = false;        // the connection must not be used for another message
  bool relayhost_problem = false;    // softened: log "warning: relayhost configuration problem"
};

// A reply that is neither 4xx nor 5xx where one was due is a protocol error: 5.5.0, permanent.
Verdict judge(const Failure& failure, const FailureSettings& settings);

// True when the failure concerns one recipient only; all others concern every recipient of the attempt still pending.
constexpr bool concerns_one_recipient(Stage stage) { return stage == Stage::rcpt; }

}  // namespace waypost::delivery
