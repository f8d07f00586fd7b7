// The envelope of a message (RFC 5321 §2.3.1) with what must be remembered about where it came from.
// Addresses are in Postfix's internal form: local part unquoted, no angle brackets, "" is the null sender.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/queue_id.h"

namespace waypost::mail {

// RFC 3461 NOTIFY, as a set of bits. none_given: the sender said nothing (the default: FAILURE, DELAY).
struct Notify {
  static constexpr std::uint8_t kNoneGiven = 0, kNever = 1, kSuccess = 2, kFailure = 4, kDelay = 8;
};

struct Recipient {
  std::string address;    // where it is to be delivered
  std::string original;   // orig_to: what the client said, when rewriting changed it; else empty
  std::string dsn_orcpt;  // RFC 3461 ORCPT parameter as received (xtext); empty if none
  std::uint8_t notify = Notify::kNoneGiven;
};

// RFC 3461 RET.
enum class DsnReturn : std::uint8_t { unspecified, full, headers };

enum class BodyEncoding : std::uint8_t { unspecified, seven_bit, eight_bit_mime };

struct Envelope {
  QueueId id;
  WallTime arrival{};  // when MAIL FROM (or the dropped file) came
  std::string sender;
  std::vector<Recipient> recipients;

  std::string client_name;     // "unknown" when there is no verified name; empty: submitted on this host
  std::string client_address;  // without brackets
  std::string helo;
  std::string protocol;  // SMTP ESMTP ESMTPS ESMTPA ESMTPSA; empty: local
  std::string sasl_method;
  std::string sasl_username;
  std::string dsn_envid;  // RFC 3461 ENVID (xtext)
  DsnReturn dsn_return = DsnReturn::unspecified;
  BodyEncoding encoding = BodyEncoding::unspecified;
  bool smtputf8 = false;  // RFC 6531
};

// The delivery state of one recipient. Recipients are named by their index in Envelope::recipients.
enum class RecipientState : std::uint8_t { pending, sent, bounced };

struct RecipientProgress {
  RecipientState state = RecipientState::pending;
  std::string dsn;     // last enhanced status, "4.4.1"; empty before the first attempt
  std::string reason;  // last reason, as mailq shows it in brackets
};

// What changes about a queued message. Small, rewritten often; the envelope and body never change.
struct Progress {
  WallTime next_attempt{};  // epoch: at once
  std::uint32_t attempts = 0;
  bool held = false;  // postsuper -h
  bool delay_notified = false;
  bool force_expire = false;                  // postsuper -e
  std::vector<RecipientProgress> recipients;  // same length as Envelope::recipients, or empty: all pending, untried
};

}  // namespace waypost::mail
