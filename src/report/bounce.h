// Composes notices about mail that could not (yet) be delivered: RFC 3464 delivery status notifications in the form
// that Postfix sends and bounce readers know. Pure: the content of the original comes through a callback; time, host
// name and queue id are handed in. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "mail/envelope.h"
#include "report/template.h"

namespace waypost::report {

enum class Kind : std::uint8_t {
  failure,             // "Undelivered Mail Returned to Sender"
  delay,               // "Delayed Mail (still being retried)"
  success,             // "Successful Mail Delivery Report" (NOTIFY=SUCCESS)
  delay_cleared,       // likewise, to who was told of a delay (confirm_delay_cleared)
  postmaster_failure,  // copy of a failure notice for the postmaster (notify_classes bounce, 2bounce): headers only
  postmaster_delay,    // of a delay notice (notify_classes delay)
};

// What happened to one recipient.
struct RecipientReport {
  std::uint32_t recipient = 0;  // index into Envelope::recipients
  std::string dsn;              // "5.1.1"
  std::string reason;           // as logged
  std::string remote_mta;       // empty: no server spoke
  std::string remote_reply;     // the server's reply as received; empty: none
  bool delivered = false;       // of a success: this was the end, the message was not only relayed
};

struct Settings {
  std::string hostname;                      // myhostname
  std::string origin;                        // myorigin, of the From: address; empty: hostname
  std::uint64_t bounce_size_limit = 50'000;  // originals above it are returned without body; 0: none
  std::chrono::seconds maximal_queue_lifetime{5 * 86'400};
  std::chrono::seconds delay_warning_time{0};
  // notify_classes: who else is told, and to which address.
  bool copy_failures = false, report_double_failures = false, copy_delays = false;
  std::string bounce_notice_recipient = "postmaster", double_bounce_notice_recipient = "postmaster",
              delay_notice_recipient = "postmaster";
  bool threaded = false;                               // enable_threaded_bounces
  std::string mail_name = "Postfix";                   // in X-Postfix-Queue-ID: bounce readers look for it
  std::string double_bounce_sender = "double-bounce";  // the local part of its sender
  // bounce_template_file, with the parameters in the texts expanded; null: our own words.
  std::shared_ptr<const Template> failure_template, delay_template, success_template;
};

// The sender of notices for the postmaster. What cannot be delivered to him either is not reported again.
std::string double_bounce_address(const Settings& settings);

// The recipient of a notice of a kind that is for the postmaster; empty: notify_classes does not ask for it. A failure
// that the null sender's mail met is of the class 2bounce.
std::string postmaster_for(Kind kind, bool null_sender, const Settings& settings);

// Up to `limit` bytes of the original at `offset`; shorter only at the end; nullopt: it cannot be read any more.
using OriginalReader = std::function<std::optional<std::string>(std::uint64_t offset, std::size_t limit)>;

struct Original {
  const mail::Envelope* envelope = nullptr;
  std::uint64_t size = 0;
  OriginalReader read;
};

// A message for intake: CRLF line ends, without Received:, Date:, Message-ID:, which intake adds as for local mail.
struct ComposedNotice {
  std::string sender;  // envelope: "" but for postmaster notices
  std::string recipient;
  std::string content;
  mail::BodyEncoding encoding = mail::BodyEncoding::unspecified;
  bool smtputf8 = false;
};

// nullopt: nothing is to be sent, because the original came from the null sender (and `kind` is for its sender), or
// because NOTIFY of no recipient asks for it. `now` makes the MIME boundary unique.
std::optional<ComposedNotice> compose(Kind kind, const Original& original,
                                      const std::vector<RecipientReport>& recipients, const Settings& settings,
                                      WallTime now);

}  // namespace waypost::report
