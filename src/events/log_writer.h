// Where log lines end up: a file, syslog or standard output. Lines read as syslogd or postlogd write them:
//   MMM dd hh:mm:ss HOST TAG[PID]: TEXT     (traditional stamp, local time, day padded with a blank, short host name)
//
// write() formats once into a shared buffer and returns; one thread writes what has gathered, so no caller waits for a
// disk. The buffer is bounded (Options::buffer_limit): while it is full lines are dropped and counted, and a line
// "warning: N log lines dropped" follows when there is room. A destination that fails (disk full, syslogd away) loses
// those lines in the same way; it is tried again with the next batch. Any thread may call anything.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"

namespace waypost::events {

inline constexpr std::size_t kMaxLogLine = 8'192;          // longer texts are cut
inline constexpr std::size_t kLogBufferLimit = 8 << 20;    // bytes waiting for the writer
inline constexpr std::chrono::milliseconds kLogGather{5};  // how long a first line waits for company
inline constexpr std::string_view kSyslogSocket = "/dev/log";
inline constexpr int kMailFacility = 2;  // RFC 3164 §4.1.1

// "mail", "local0" ... -> its number; nullopt: there is none of this name.
std::optional<int> parse_facility(std::string_view name);

class LogWriter final : public LogSink {
 public:
  enum class Target : std::uint8_t { file, syslog, standard_output };
  struct Options {
    Target target = Target::standard_output;
    std::string path;                          // of the file (opened to append), or of syslog's socket
    unsigned mode = 0600;                      // maillog_file_permissions: of a file that is made
    int facility = kMailFacility;              // syslog_facility, as a number
    std::string host;                          // short node name; empty: gethostname() up to the first dot
    std::string own_tag = "postfix/postlogd";  // of lines about dropped lines
    std::size_t buffer_limit = kLogBufferLimit;
    const Clock* clock = nullptr;  // null: the machine's
  };

  // Errc::io when the file cannot be opened. syslog is connected when first needed.
  static Result<std::unique_ptr<LogWriter>> open(Options options);
  ~LogWriter() override;  // flushes, then stops
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void write(LogLevel level, std::string_view tag, std::uint32_t pid, std::string_view text) override;

  // After a log rotation: the next batch goes to a newly opened file. If that fails, the old one stays in use.
  void reopen();
  // Returns when all that was written before the call has been handed to the system, or after `limit`.
  bool flush(std::chrono::milliseconds limit = std::chrono::seconds{5});
  // Lines lost so far.
  std::uint64_t dropped() const;

 private:
  explicit LogWriter(Options options);
  Result<> open_file();
  void append_locked(LogLevel level, std::string_view tag, std::uint32_t pid, std::string_view text);
  void refresh_stamp_locked();
  void run();
  bool emit(const std::string& batch);  // false: lines of the batch were lost
  bool emit_stream(std::string_view batch);
  bool emit_syslog(std::string_view batch);
  bool connect_syslog();

  Options options_;
  SystemClock system_clock_;
  int fd_ = -1;  // the writer thread's, after open()
  mutable std::mutex mutex_;
  std::condition_variable wake_, written_;
  std::string pending_;
  std::string stamp_;  // "Nov 23 16:48:05 host ", of stamp_second_
  std::time_t stamp_second_ = -1;
  std::uint64_t appended_ = 0, emitted_ = 0;  // bytes, for flush()
  std::uint64_t dropped_ = 0, unreported_ = 0;
  bool sleeping_ = false, urgent_ = false, reopen_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace waypost::events
