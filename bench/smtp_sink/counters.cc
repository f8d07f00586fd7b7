#include "smtp_sink/counters.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "common/clock.h"
#include "common/text.h"

namespace waypost::bench {

namespace {

bool to_number(std::string_view text, std::int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

}  // namespace

bool split_sequence(std::string_view value, std::string_view& run, std::int64_t& seq, std::int64_t& sent_ns) {
  const std::size_t first = value.find('-'), last = value.rfind('-');
  if (first == std::string_view::npos || last == first) return false;
  run = value.substr(0, first);
  return to_number(value.substr(first + 1, last - first - 1), seq) && to_number(value.substr(last + 1), sent_ns);
}

void Counters::opened() {
  ++sessions;
  most_open = std::max(most_open, ++open);
}

void Counters::message(std::string_view sequence, std::uint64_t bytes, std::size_t recipients) {
  const std::int64_t now = now_ns();
  ++messages_;
  bytes_ += static_cast<std::int64_t>(bytes);
  recipients_ += static_cast<std::int64_t>(recipients);
  if (first_ns_ == 0) first_ns_ = now;
  last_ns_ = now;
  std::string_view run;
  std::int64_t seq = 0, sent_ns = 0;
  if (!split_sequence(sequence, run, seq, sent_ns) || seq < 0 || seq >= kMaxSeq) {
    ++unnumbered_;
    return;
  }
  if (run_.empty()) run_ = run;
  if (run != run_) {
    ++foreign_;
    return;
  }
  delays_us_.push_back(static_cast<float>(now - sent_ns) / 1e3F);
  const auto index = static_cast<std::size_t>(seq);
  if (index >= seen_.size()) seen_.resize(std::max(index + 1, seen_.size() * 2));
  ++(seen_[index] ? duplicates_ : unique_);
  seen_[index] = true;
}

std::string Counters::missing(std::int64_t upto, std::int64_t limit) const {
  std::string out;
  for (std::int64_t seq = 0; seq < upto && limit > 0; ++seq) {
    const auto index = static_cast<std::size_t>(seq);
    if (index < seen_.size() && seen_[index]) continue;
    out += std::to_string(seq) + ' ';
    --limit;
  }
  return out;
}

std::string Counters::json() const {
  std::vector<float> sorted = delays_us_;
  std::sort(sorted.begin(), sorted.end());
  const auto quantile = [&sorted](double share) {
    return sorted.empty()
               ? 0.0
               : static_cast<double>(sorted[std::min(
                     sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))]);
  };
  std::string out = "{\"run\": " + json_string(run_);
  const auto add = [&out](const char* name, std::int64_t value) {
    out.append(", \"").append(name).append("\": ").append(std::to_string(value));
  };
  add("messages", messages_);
  add("unique", unique_);
  add("duplicates", duplicates_);
  add("foreign", foreign_);
  add("unnumbered", unnumbered_);
  add("recipients", recipients_);
  add("bytes", bytes_);
  add("sessions", sessions);
  add("open", open);
  add("most_open", most_open);
  add("tls", tls);
  add("resumed", resumed);
  add("authenticated", authenticated);
  add("temporary", temporary);
  add("permanent", permanent);
  add("closed", closed);
  add("aborted", aborted);
  add("first_ns", first_ns_);
  add("last_ns", last_ns_);
  std::array<char, 160> tail{};
  std::snprintf(tail.data(), tail.size(),
                ", \"cpu_s\": %.3f, \"delay_us\": {\"p50\": %.0f, \"p90\": %.0f, \"p99\": %.0f, \"max\": %.0f}}",
                cpu_seconds(), quantile(0.5), quantile(0.9), quantile(0.99), quantile(1));
  return out += tail.data();
}

void Counters::reset(std::string_view run) {
  const std::int64_t still_open = open;
  *this = Counters();
  open = most_open = still_open;
  run_ = run;
}

}  // namespace waypost::bench
