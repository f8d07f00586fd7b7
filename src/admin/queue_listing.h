// What mailq shows: one entry a queued message, as the control API lists it (JSON, one object a line) and as operators
// read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/envelope.h"

namespace waypost::admin {

struct ListedRecipient {
  std::string address;
  std::string reason;  // empty: not tried yet
};

struct ListedMessage {
  std::string queue_name;  // active, incoming, deferred, hold
  std::string queue_id;
  std::int64_t arrival_s = 0;  // since the epoch
  std::uint64_t size_bytes = 0;
  bool forced_expire = false;
  std::string sender;  // MAILER-DAEMON for the null sender
  std::vector<ListedRecipient> recipients;
};

// Addresses as they stand on the wire, quoted where they need it.
std::string listed_sender(const mail::Envelope& envelope);
// Recipients that are still to be delivered, with the last reason.
void add_pending_recipients(ListedMessage& message, const mail::Envelope& envelope, const mail::Progress& progress);

// One line of postqueue -j. Errc::invalid names what is wrong.
Result<ListedMessage> parse_listing_line(std::string_view line);
// The same, written: keys in Postfix's order, one blank after colon and comma.
std::string format_listing_line(const ListedMessage& message);

// The classic table: header, messages, trailer; "Mail queue is empty" when there is none. Times in the local zone.
// `long_ids`: with the columns of enable_long_queue_ids.
std::string format_mailq(const std::vector<ListedMessage>& messages, bool long_ids = false);

}  // namespace waypost::admin
