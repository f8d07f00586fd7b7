// Reads a server's replies (RFC 5321 §4.2) from the bytes as they arrive.
//
// Contract: next() is called with the bytes that were received and not yet consumed, and consumes from them. A line
// that stands there whole is not copied before it is part of the reply; the reply object is reused, so that a
// connection in steady use allocates nothing. Limits hold whatever the server sends. What is no reply is a value too
// (`malformed`): nothing sensible can follow it, since with pipelining nobody knows which command the next line
// answers. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace waypost::smtp {

inline constexpr std::size_t kMaxServerLineBytes = 2'048;     // line_length_limit: longer lines are cut
inline constexpr std::size_t kMaxServerLineSkip = 64 * 1024;  // ... but an endless one is not waited for
inline constexpr std::size_t kMaxServerReplyLines = 256;
inline constexpr std::size_t kMaxServerReplyBytes = 16 * 1024;  // text that is kept; the rest is read over

struct ServerReply {
  enum class Malformed : std::uint8_t { no, not_a_reply, too_many_lines, endless_line };

  int code = 0;      // of the last line, 200..599; 0 when malformed
  std::string dsn;   // RFC 2034 code when its class agrees with the reply code, else "X.0.0"; "5.5.0" for codes that
                     // have no class (3yz, malformed)
  std::string text;  // the lines as received with their codes, '\n' between them; unprintable bytes are '?'
  Malformed malformed = Malformed::no;
  bool dsn_given = false;  // the server sent `dsn`

  int klass() const { return code / 100; }
  bool positive() const { return klass() == 2; }
  // 421: the server closes the connection (RFC 5321 §3.8); also 521 (RFC 7504).
  bool closes() const { return code == 421 || code == 521; }
  // `text` on one line, as it is logged: "250-a 250 b".
  std::string joined() const;
};

class ReplyParser {
 public:
  // True: reply() is complete. False: all of `in` was consumed and more is needed. After a malformed reply the parser
  // must not be used until reset().
  bool next(std::string_view& in);

  // Of the last next() that gave true, until the following call of next().
  const ServerReply& reply() const { return reply_; }

  // A part of a reply is held: more must come.
  bool in_reply() const { return lines_ > 0 || !partial_.empty(); }
  // Forgets everything (STARTTLS).
  void reset();

 private:
  bool take_line(std::string_view line);
  bool end(ServerReply::Malformed what);
  void append(std::string_view line);
  void finish(std::string_view last_line, int code);

  ServerReply reply_;
  std::string partial_;      // the beginning of a line that comes in parts
  std::size_t skipped_ = 0;  // bytes of that line that were not kept
  std::size_t lines_ = 0;
  bool complete_ = false;
};

}  // namespace waypost::smtp
