// Writes a message of ours as a queue file that Postfix takes for its own. The file comes in pieces; the first record,
// which holds the sizes, is written again in its place when the rest is there:
//
//   QueueFileWriter writer(envelope, progress, warn_at);
//   out = writer.start(); out += writer.content(...) for every piece; out += writer.finish();
//   the first bytes of out = writer.size_record();
//
// Recipients that are delivered or bounced are written as finished ones. Pure; one file a writer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/envelope.h"
#include "postfix_queue/failure_log.h"

namespace waypost::postfix_queue {

inline constexpr std::size_t kMaxTextRecord =
    2048;  // line_length_limit's default: a longer line becomes several records

class QueueFileWriter {
 public:
  // `warn_at`: when Postfix is to tell the sender of the delay; nullopt: never. `envelope` and `progress` outlive this.
  QueueFileWriter(const mail::Envelope& envelope, const mail::Progress& progress, std::optional<WallTime> warn_at);

  std::string start();
  // Lines ended by CRLF, in pieces of any size.
  std::string content(std::string_view bytes);
  std::string finish();
  std::string size_record() const;
  // What the defer log beside the file is to say.
  const std::vector<FailureEntry>& failures() const { return failures_; }

 private:
  void put_attributes(std::string& out) const;
  void put_recipients(std::string& out);
  void put_text(std::string& out, bool line_ends);
  void look_at_header();
  std::uint64_t utf8_flags() const;

  const mail::Envelope& envelope_;
  const mail::Progress& progress_;
  const std::optional<WallTime> warn_at_;
  std::vector<FailureEntry> failures_;
  std::string text_;  // of the line that is not ended yet
  bool after_cr_ = false;
  bool within_line_ = false;
  bool within_header_ = true;
  bool header_has_eight_bit_ = false;
  std::uint64_t content_at_ = 0, content_records_ = 0, content_bytes_ = 0, recipients_ = 0, options_ = 0;
};

}  // namespace waypost::postfix_queue
