// Content on its way to another server: dots doubled at line starts (RFC 5321 §4.5.2), every line ended by CRLF, and
// the final <CRLF>.<CRLF>. The input is canonical content in pieces of any size; what is not canonical (content that
// another program wrote) is made so: a CR or LF that stands alone becomes a blank, which is what Postfix's cleanup
// does. A lone CR may be kept, for cleanup_replace_stray_cr_lf = no.
//
// Pure; one message an encoder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smtp/data_decoder.h"

namespace waypost::smtp {

// True: `content` begins at a line start and may be written as it is, followed by end_of_data(): no line begins with a
// dot and every CR and LF is part of a CRLF. One pass, no copy.
bool is_transparent(std::string_view content);
// What ends content that was written as it is: ".\r\n", with a line end before it when the content has none.
std::string_view end_of_data(std::string_view content);

class DotEncoder {
 public:
  explicit DotEncoder(StrayCr stray = StrayCr::to_space) : stray_(stray == StrayCr::keep ? '\r' : ' ') {}

  // Appends `content` in wire form to `out`.
  void encode(std::string_view content, std::string& out);
  // Appends what is still held and the end of data. Call once, at the end.
  void finish(std::string& out);

 private:
  enum class State : std::uint8_t { line_start, in_line, cr };
  State state_ = State::line_start;
  char stray_;  // what stands for a lone CR
};

}  // namespace waypost::smtp
