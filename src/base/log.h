// The log front-end. A line is what Postfix would write: tag (postfix/smtpd), a process number, text.
// A LogSink formats time and host in front and writes; it never blocks the caller on a slow disk (see
// events/log_writer.h).
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace waypost {

enum class LogLevel : std::uint8_t { info, warning, error, fatal, panic };

// "warning: ", "error: ", ...; empty for info.
std::string_view log_prefix(LogLevel level);

// Any thread.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view tag, std::uint32_t pid, std::string_view text) = 0;
};

// Where one service or session logs: sink, tag and the number that stands in [brackets]. A value: copy it freely.
// Readers of mail logs pair lines by that number, so each concurrent session has one of its own.
class Log {
 public:
  Log(LogSink& sink, std::string tag, std::uint32_t pid) : sink_(&sink), tag_(std::move(tag)), pid_(pid) {}

  void write(LogLevel level, std::string_view text) const { sink_->write(level, tag_, pid_, text); }
  template <class... A>
  void info(fmt::format_string<A...> format, A&&... arguments) const {
    write_formatted(LogLevel::info, format, std::forward<A>(arguments)...);
  }
  template <class... A>
  void warning(fmt::format_string<A...> format, A&&... arguments) const {
    write_formatted(LogLevel::warning, format, std::forward<A>(arguments)...);
  }
  template <class... A>
  void error(fmt::format_string<A...> format, A&&... arguments) const {
    write_formatted(LogLevel::error, format, std::forward<A>(arguments)...);
  }
  template <class... A>
  void fatal(fmt::format_string<A...> format, A&&... arguments) const {
    write_formatted(LogLevel::fatal, format, std::forward<A>(arguments)...);
  }

  // The same sink under another tag or number.
  Log with(std::string tag, std::uint32_t pid) const { return Log(*sink_, std::move(tag), pid); }
  const std::string& tag() const { return tag_; }
  std::uint32_t pid() const { return pid_; }

 private:
  template <class... A>
  void write_formatted(LogLevel level, fmt::format_string<A...> format, A&&... arguments) const {
    fmt::basic_memory_buffer<char, 512> line;
    fmt::format_to(std::back_inserter(line), format, std::forward<A>(arguments)...);
    sink_->write(level, tag_, pid_, std::string_view(line.data(), line.size()));
  }

  LogSink* sink_;
  std::string tag_;
  std::uint32_t pid_;
};

// Keeps the lines, for tests. Lines read "tag: warning: text".
class CapturingLog final : public LogSink {
 public:
  void write(LogLevel level, std::string_view tag, std::uint32_t pid, std::string_view text) override;
  std::vector<std::string> lines() const;
  bool contains(std::string_view part) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// Drops everything.
class NullLog final : public LogSink {
 public:
  void write(LogLevel, std::string_view, std::uint32_t, std::string_view) override {}
};

}  // namespace waypost
