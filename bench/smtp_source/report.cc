#include "smtp_source/report.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/clock.h"
#include "common/text.h"

namespace waypost::bench {

namespace {

constexpr std::size_t kErrorText = 70, kErrorCode = 3;

std::string quantiles(const char* name, std::vector<float>& values) {
  std::sort(values.begin(), values.end());
  const auto at = [&values](double share) {
    if (values.empty()) return 0.0;
    return static_cast<double>(
        values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))]);
  };
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), ", \"%s\": {\"p50\": %.0f, \"p90\": %.0f, \"p99\": %.0f, \"max\": %.0f}",
                name, at(0.5), at(0.9), at(0.99), at(1));
  return text.data();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

}  // namespace

void Report::error(std::string_view where, std::string_view what) {
  ++error_count_;
  const std::size_t length = errors_.size() < kDistinctTexts ? kErrorText : kErrorCode;
  ++errors_[std::string(where).append(": ").append(what.substr(0, length))];
}

std::string Report::json(const SourceOptions& options) {
  const double seconds = static_cast<double>(end_ns - start_ns) / static_cast<double>(kNsPerSecond);
  std::string out = "{\"run\": " + json_string(options.run);
  const auto add = [&out](const char* name, std::int64_t value) {
    out.append(", \"").append(name).append("\": ").append(std::to_string(value));
  };
  add("sessions", options.sessions);
  add("size", static_cast<std::int64_t>(options.size_max));
  add("per_connection", options.per_connection);
  add("accepted", accepted);
  add("unknown", unknown);
  add("opened", opened);
  add("connect_failures", connect_failures);
  add("resent", resent);
  add("held", held);
  add("start_ns", start_ns);
  add("end_ns", end_ns);
  add("last_accept_ns", last_accept_ns);
  std::array<char, 128> numbers{};
  std::snprintf(numbers.data(), numbers.size(), ", \"seconds\": %.4f, \"accept_rate\": %.1f, \"cpu_s\": %.3f", seconds,
                seconds > 0 ? static_cast<double>(accepted) / seconds : 0.0, cpu_seconds());
  out += numbers.data();
  out +=
      quantiles("latency_us", latency_us) + quantiles("commit_us", commit_us) + quantiles("greeting_us", greeting_us);
  out += ", \"errors\": {";
  bool first = true;
  for (const auto& [text, count] : errors_) {
    out.append(first ? "" : ", ").append(json_string(text)).append(": ").append(std::to_string(count));
    first = false;
  }
  return out += "}}";
}

}  // namespace waypost::bench
