// What sendmail(1) does to a message on standard input before it is dropped for pickup.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace waypost::tools {

// The message up to a line that is a single dot, without it (RFC 5321's end mark, typed by people and old programs).
std::string_view until_dot_line(std::string_view text);

// Every address in To:, Cc: and Bcc:, or in their Resent- forms when there are any (RFC 5322 §3.6.6). Reads headers
// with LF or CRLF line ends and stops where they end.
std::vector<std::string> header_recipients(std::string_view message);

}  // namespace waypost::tools
