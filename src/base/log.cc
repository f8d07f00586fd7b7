#include "base/log.h"

#include <algorithm>

namespace waypost {

std::string_view log_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::info:
      return "";
    case LogLevel::warning:
      return "warning: ";
    case LogLevel::error:
      return "error: ";
    case LogLevel::fatal:
      return "fatal: ";
    case LogLevel::panic:
      return "panic: ";
  }
  return "";
}

void CapturingLog::write(LogLevel level, std::string_view tag, std::uint32_t, std::string_view text) {
  const std::lock_guard lock(mutex_);
  lines_.push_back(fmt::format("{}: {}{}", tag, log_prefix(level), text));
}

std::vector<std::string> CapturingLog::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

bool CapturingLog::contains(std::string_view part) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(lines_, [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

}  // namespace waypost
