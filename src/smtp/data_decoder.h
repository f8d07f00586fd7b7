// The content of a message as it comes after DATA (RFC 5321 §4.1.1.4, §4.5.2): finds its end, removes the dots that the
// client put in front, and makes every line end in CRLF. What comes out is canonical: no CR or LF stands alone, so that
// no server behind us can be led to see a message end where we saw none (SMTP smuggling).
//
// Contract: next() is called with the bytes that were received and not yet consumed. It never keeps a view: a piece
// points into `in` or to constant text, and what must wait for more input is kept as state, not as bytes. Content that
// is already canonical comes out as one piece a read. Pure; one message a decoder (reset() for the next).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace waypost::smtp {

// smtpd_forbid_bare_newline of Postfix 3.9. A bare LF ends a line in every mode; the modes differ in what ends a
// message and in what is said about it.
enum class BareNewline : std::uint8_t {
  no,         // <LF>.<LF> ends the message too: only for clients that are known to need it
  normalize,  // only <CR><LF>.<CR><LF> ends the message; other lines with a lone dot are dropped
  note,       // as normalize, and the disconnect line says notes=bare_lf
  reject,     // as normalize, and the message or command is refused
};

// What to do with a CR that has no LF behind it (cleanup_replace_stray_cr_lf).
enum class StrayCr : std::uint8_t { to_space, keep };

class DataDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;  // bytes of `in` that are done with
    std::string_view piece;    // decoded content; may be empty
    bool done = false;         // the end of data was consumed; what follows in `in` is the next command
  };

  explicit DataDecoder(BareNewline policy = BareNewline::normalize, StrayCr stray = StrayCr::to_space)
      : policy_(policy), stray_(stray) {}

  // Call until all of `in` is consumed or done. Each step consumes at least one byte or gives a piece.
  Step next(std::string_view in);

  // A line ended in a bare LF.
  bool saw_bare_newline() const { return saw_bare_newline_; }
  void reset() {
    state_ = State::line_start;
    saw_bare_newline_ = after_bare_newline_ = false;
  }

 private:
  enum class State : std::uint8_t { line_start, in_line, cr, dot, dot_cr };

  Step run(std::string_view in);
  Step irregular(char c);
  Step after_cr(char c);
  Step after_dot(std::string_view in);
  Step after_dot_cr(char c);
  bool dot_line_ends_message() const;

  State state_ = State::line_start;
  BareNewline policy_;
  StrayCr stray_;
  bool after_bare_newline_ = false;  // the previous line ended in a bare LF
  bool saw_bare_newline_ = false;
};

}  // namespace waypost::smtp
