// What smtp-source found out, as numbers and as its one line of JSON. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "smtp_source/options.h"

namespace waypost::bench {

class Report {
 public:
  std::int64_t accepted = 0, opened = 0, connect_failures = 0, resent = 0, unknown = 0, held = 0, tls_resumed = 0;
  std::int64_t start_ns = 0, end_ns = 0, last_accept_ns = 0;
  std::vector<float> latency_us;   // from MAIL (one message a connection: from connect) to 250 after the final dot
  std::vector<float> commit_us;    // from the write of the final dot to its 250
  std::vector<float> greeting_us;  // from connect to 220

  // At most kDistinctTexts texts are told apart; the rest count by their code alone.
  void error(std::string_view where, std::string_view what);
  std::int64_t errors() const { return error_count_; }
  std::string json(const SourceOptions& options);

 private:
  static constexpr std::size_t kDistinctTexts = 20;

  std::map<std::string, std::int64_t> errors_;
  std::int64_t error_count_ = 0;
};

}  // namespace waypost::bench
