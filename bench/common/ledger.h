// What was promised (source) or what arrived (sink), one line a message, written before anything else is done about it:
//   NS STATE RUN SEQ SHA256 RECIPIENT[,RECIPIENT...]
// NS: monotonic clock of the machine. STATE: accepted (source: 250 seen; sink: 250 about to be sent) or unknown
// (source: the connection ended between the final dot and its answer). SHA256 covers the content without Received:
// fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::bench {

struct LedgerEntry {
  std::int64_t at_ns = 0;
  std::string_view state;
  std::string_view run;
  std::int64_t seq = -1;
  std::string sha256;
  std::vector<std::string> recipients;
};

// Each line is one write(2) to a file opened for appending: a killed process leaves whole lines.
class Ledger {
 public:
  Ledger() = default;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  ~Ledger();

  // False with a message on stderr when the file cannot be opened.
  bool open(const std::string& path);
  bool is_open() const { return descriptor_ >= 0; }
  void add(const LedgerEntry& entry);

 private:
  int descriptor_ = -1;
};

}  // namespace waypost::bench
