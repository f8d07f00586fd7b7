// What is done with a message that arrived: counted, and as asked written to the ledger, stored or printed. All of it
// happens before the 250, so a killed relay never finds the sink knowing less than it said.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/ledger.h"
#include "smtp_sink/content.h"
#include "smtp_sink/counters.h"
#include "smtp_sink/options.h"

namespace waypost::bench {

// One transaction as the client gave it.
struct Transaction {
  std::string helo, user, mail_parameters, sender;
  std::vector<std::string> recipients, rcpt_parameters;
  bool tls = false;
};

class Receipts {
 public:
  Receipts(const SinkOptions& options, Counters& counters) : options_(options), counters_(counters) {}
  bool open();
  // Whether the whole content is needed.
  bool wants_content() const { return ledger_.is_open() || !options_.store.empty() || options_.print; }
  void accept(const Transaction& transaction, const ContentReader& content);

 private:
  void store(const Transaction& transaction, const std::string& content);
  void print(const Transaction& transaction, const std::string& content);

  const SinkOptions& options_;
  Counters& counters_;
  Ledger ledger_;
  std::int64_t stored_ = 0;
};

}  // namespace waypost::bench
