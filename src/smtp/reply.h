// An SMTP reply (RFC 5321 §4.2) with its enhanced status code (RFC 2034), as a value: what a server says, and what
// policy and intake answer when they refuse. Formatting makes the wire form; it never fails, and nothing in a text can
// break out of its line. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace waypost::smtp {

// RFC 5321 §4.5.3.1.5: a reply line with its CRLF. What is longer is cut.
inline constexpr std::size_t kMaxReplyLineBytes = 512;
// More lines than this in one reply are dropped; only access tables and milters can ask for so many.
inline constexpr std::size_t kMaxReplyLines = 64;

struct Reply {
  int code = 250;
  std::string dsn;   // "2.1.0"; empty: none, as in greetings and answers to EHLO
  std::string text;  // without code and status; '\n' separates lines

  bool positive() const { return code < 400; }
  bool temporary() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500; }
  // 421 and 521 end the session (RFC 5321 §3.8, RFC 7504).
  bool closes() const { return code == 421 || code == 521; }
  bool operator==(const Reply&) const = default;
};

// "550 5.1.1 text": the form of log lines. Lines of a longer reply are joined with blanks.
std::string to_string(const Reply& reply);

// Reads "550 5.1.1 text" or "550 text" as an operator writes it in a table. The status code is optional; code 0 when
// the text does not begin with a reply code.
Reply reply_from_text(std::string_view text);

// Appends the wire form, each line with its CRLF. Control characters in the text become '?'.
void append_wire(std::string& out, const Reply& reply);
// The same for one line that is ready but for its CRLF: "250 2.1.0 Ok".
void append_wire_line(std::string& out, std::string_view line);

// soft_bounce=yes: 5xx becomes 4xx, in the code and in the status code.
Reply soften(Reply reply);

}  // namespace waypost::smtp
