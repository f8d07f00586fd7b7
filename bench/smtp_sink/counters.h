// What the sink has seen since the last reset, by number. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::bench {

class Counters {
 public:
  std::int64_t sessions = 0, open = 0, most_open = 0, tls = 0, resumed = 0, authenticated = 0, closed = 0, aborted = 0;
  std::int64_t temporary = 0, permanent = 0;  // rejections by rule

  void opened();
  // A message that is about to be answered 250. `sequence`: the value of X-Seq, RUN-SEQ-NS, as smtp-source writes it.
  void message(std::string_view sequence, std::uint64_t bytes, std::size_t recipients);

  std::int64_t unique() const { return unique_; }
  std::int64_t unnumbered() const { return unnumbered_; }  // without X-Seq: not from smtp-source
  std::string missing(std::int64_t upto, std::int64_t limit) const;
  std::string json() const;
  void reset(std::string_view run);

 private:
  static constexpr std::int64_t kMaxSeq = 64 << 20;

  std::string run_;  // empty: the first one seen is adopted
  std::int64_t messages_ = 0, bytes_ = 0, recipients_ = 0, unique_ = 0, duplicates_ = 0, foreign_ = 0, unnumbered_ = 0;
  std::int64_t first_ns_ = 0, last_ns_ = 0;
  std::vector<bool> seen_;
  std::vector<float> delays_us_;
};

// Splits RUN-SEQ-NS; false when it is not of that form.
bool split_sequence(std::string_view value, std::string_view& run, std::int64_t& seq, std::int64_t& sent_ns);

}  // namespace waypost::bench
