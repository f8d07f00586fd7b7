// Splits what a client sends into command lines (RFC 5321 §2.3.8, §4.5.3.1.4), with a limit on their length.
//
// Contract: next() is called with the bytes that were received and not yet consumed, and consumes from them. The text
// of a line is a view into `in` whenever the whole line stands there; only a line that comes in parts is kept, so that
// an idle reader owns no memory. A line that is too long is skipped to its end, at most as many bytes again. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace waypost::smtp {

// line_length_limit: content and CR of a command, as Postfix counts it.
inline constexpr std::size_t kDefaultLineLimit = 2048;

struct Line {
  enum class Status : std::uint8_t {
    ok,
    too_long,  // skipped; `text` is its beginning
    endless,   // even the skipping had to stop: nothing sensible can follow, close the connection
  };
  std::string_view text;  // without CRLF or LF; valid until the next call of the reader or the end of `in`
  Status status = Status::ok;
  bool bare_newline = false;  // ended in LF alone
};

class LineReader {
 public:
  // The next line, or nothing when `in` ends before it does (all of `in` is then consumed). `limit` >= 2: a line of
  // `limit` - 1 bytes and its CRLF still passes.
  std::optional<Line> next(std::string_view& in, std::size_t limit = kDefaultLineLimit);

  // Nothing of a line is held.
  bool empty() const { return length_ == 0 || given_; }
  // Forgets what is held (STARTTLS), and gives its memory back.
  void clear();

 private:
  std::string partial_;     // the beginning of a line that comes in parts, at most limit + 1 bytes
  std::size_t length_ = 0;  // of that line so far, with what was not kept
  bool given_ = false;      // partial_ is the line that was given out last
};

}  // namespace waypost::smtp
