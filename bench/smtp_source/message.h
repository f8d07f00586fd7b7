// What smtp-source sends: envelope and content of message number SEQ of a run. Content holds lines that begin with
// dots, so that dot-stuffing on the way is tested by every digest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "smtp_source/options.h"

namespace waypost::bench {

struct Message {
  std::string head;  // header, and the body too when it is the message's own
  std::string_view
      tail;  // shared body, lives as long as the writer; with head: everything up to and with the final dot
};

class MessageWriter {
 public:
  explicit MessageWriter(const SourceOptions& options);

  std::vector<std::string> recipients(std::int64_t seq) const;
  // `sent_ns` goes into X-Seq, from which the sink measures the end-to-end delay.
  Message wire(std::int64_t seq, std::int64_t sent_ns) const;
  // Of the content as the recipient should see it.
  std::string sha256(std::int64_t seq, std::int64_t sent_ns) const;

 private:
  std::string header(std::int64_t seq, std::int64_t sent_ns) const;
  std::string own_body(std::int64_t seq, std::size_t header_size) const;

  const SourceOptions& options_;
  std::string shared_plain_, shared_wire_;
};

}  // namespace waypost::bench
