// The logs beside a queue file (defer/ID, bounce/ID): why recipients could not be delivered. Pure.
//
//   log   = *( LF entry LF )
//   entry = *( name "=" value LF )          recipient, offset, status, action, diag_text, reason, ...
//
// Old versions wrote "<address>: reason" in front of, or instead of, the names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::postfix_queue {

inline constexpr std::size_t kMaxLogEntries = 1'000'000;

struct FailureEntry {
  std::string recipient;     // as the queue file has it
  std::uint64_t offset = 0;  // of its record there; 0: not said
  std::string dsn;           // enhanced status; empty: not said
  std::string reason;
};

// What is no entry is passed over: such a log is written in haste and never read before it is needed.
std::vector<FailureEntry> parse_failure_log(std::string_view text);
// An entry of a defer log.
std::string format_failure(const FailureEntry& entry);

}  // namespace waypost::postfix_queue
