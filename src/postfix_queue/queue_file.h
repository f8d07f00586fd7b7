// What a queue file of Postfix says, in the relay's own terms. Reading goes through the whole file first, so that
// whatever is taken from it afterwards is known to be complete: nothing of a damaged file is believed.
//
// Pure but for the ByteSource. Any thread, one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/envelope.h"
#include "postfix_queue/record.h"

namespace waypost::postfix_queue {

// What sendmail dropped is shorter: no size record, no trace header yet, recipients as the user wrote them.
enum class Form : std::uint8_t { complete, dropped };

struct FileRecipient {
  mail::Recipient recipient;
  std::uint64_t offset = 0;  // of its record: how defer and bounce logs name it
};

struct QueueFile {
  mail::Envelope envelope;  // without id and recipients
  std::vector<FileRecipient> pending;
  std::vector<FileRecipient> finished;  // delivered or bounced already
  std::string full_name;                // dropped: for a From: header that must be made
  std::string filter;                   // transport:nexthop that the message must go through first; empty: none
  std::string verp;                     // delimiters; empty: none
  bool delay_told = false;              // the sender was told of the delay
  bool is_probe = false;                // of an address: its content is nobody's
  bool requires_tls = false;            // RFC 8689
  std::uint64_t content_offset = 0;     // of its first record
  std::uint64_t content_size = 0;       // in the relay's form: lines ended by CRLF
};

// Errc::corrupt names what is wrong and where; Errc::io is the source's.
Result<QueueFile> read_queue_file(const ByteSource& source, Form form);

// The content with lines ended by CRLF, edits applied; a last line without an end gets one, as on the wire. `file` must
// be what read_queue_file gave for this source.
class ContentReader {
 public:
  ContentReader(const ByteSource& source, const QueueFile& file) : records_(source, file.content_offset) {}
  // At least `wanted` bytes, or all that is left; empty at the end.
  Result<std::string> read(std::size_t wanted);

 private:
  RecordReader records_;
  bool within_line_ = false;
  bool at_end_ = false;
};

}  // namespace waypost::postfix_queue
