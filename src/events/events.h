// What happens to a message, and the line each event leaves in the log, as Postfix words it: log readers (pflogsumm,
// fail2ban, exporters, grep) depend on every character. One function an event; `log` carries tag and number.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/queue_id.h"
#include "events/delay.h"
#include "mail/envelope.h"

namespace waypost::events {

// cleanup: "QID: message-id=<...>", once per message; `value` as the header has it, "" gives "<>".
void message_id(const Log& log, QueueId id, std::string_view value);
void resent_message_id(const Log& log, QueueId id, std::string_view value);
// pickup: "QID: uid=N from=<S>", and " orig_id=Q" when the message was requeued.
void picked_up(const Log& log, QueueId id, std::uint32_t uid, std::string_view sender,
               std::string_view original_id = {});

// qmgr: "QID: from=<S>, size=N, nrcpt=N (queue active)". recipients: all of them, finished ones too.
void active(const Log& log, QueueId id, std::string_view sender, std::uint64_t size, std::size_t recipients);
// qmgr: "QID: removed"
void removed(const Log& log, QueueId id);
// qmgr: "QID: from=<S>, status=expired, returned to sender" (or force-expired)
void expired(const Log& log, QueueId id, std::string_view sender, bool by_operator);
// A host or recipient is skipped for the next host: "QID: TEXT".
void note(const Log& log, QueueId id, std::string_view text);

// The end of an attempt for one recipient:
// "QID: to=<R>{, orig_to=<O>}, relay=..{, conn_use=N}, delay=D, delays=a/b/c/d{, tls=..}, dsn=X.Y.Z, status=STATUS
// (TEXT)".
struct Delivery {
  QueueId id;
  const mail::Recipient* recipient = nullptr;
  std::string_view relay = "none";   // HOST[IP]:PORT, none, local, ...
  std::uint32_t connection_use = 1;  // from the second use on it is logged
  DeliveryTimes times;
  std::string_view tls;  // smtp_log_tls_feature_status; empty: not shown
  std::string_view dsn;
  std::string_view status;  // sent bounced deferred SOFTBOUNCE ...
  std::string_view text;
  int delay_decimals = 2;  // delay_logging_resolution_limit
};
void delivery(const Log& log, const Delivery& event);

// bounce: "QID: sender non-delivery notification: NEWID" and its kin.
enum class Notice : std::uint8_t { sender_failure, sender_delay, sender_status, postmaster_failure, postmaster_delay };
void notice_sent(const Log& log, QueueId id, Notice notice, QueueId new_id);

// info_log_address_format: whether addresses in the log have their quotes ("external") or not ("internal"). Of the
// whole process, since every line means it; from the next line on.
void log_internal_addresses(bool internal);

// An address as it stands between <> in the log: the local part quoted where RFC 5321 needs it.
std::string log_address(std::string_view address);

}  // namespace waypost::events
