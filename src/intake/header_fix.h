// What the relay changes in a message's own headers (Postfix's cleanup): drops those that must not travel, cuts what
// is beyond measure, and completes messages that were submitted on this host or by clients that may rely on it.
// Everything else stays byte for byte.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mail/envelope.h"
#include "mail/header_scan.h"

namespace waypost::intake {

struct HeaderSettings {
  std::string myhostname;
  std::vector<std::string> drop = {"bcc", "content-length", "resent-bcc", "return-path"};  // message_drop_headers
  std::size_t size_limit = 102'400;    // header_size_limit: longer fields lose their ends
  std::string undisclosed_recipients;  // undisclosed_recipients_header, "To: ..." ; empty: none is added
};

struct Completion {
  bool wanted = false;    // add what is missing
  std::string full_name;  // for From:, may be empty
};

// Edits `content`, whose header section (found by `scan`, complete) begins at `start`. Returns the Message-ID that the
// message has now, for the log; empty if none.
std::string fix_headers(std::string& content, std::size_t start, const mail::HeaderScan& scan,
                        const mail::Envelope& envelope, const Completion& completion, const HeaderSettings& settings);

}  // namespace waypost::intake
