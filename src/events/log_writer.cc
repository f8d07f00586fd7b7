#include "events/log_writer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::events {

namespace {

constexpr int kFacilityShift = 3;  // RFC 3164 §4.1.1

int syslog_severity(LogLevel level) {
  switch (level) {
    case LogLevel::info:
      return 6;
    case LogLevel::warning:
      return 4;
    case LogLevel::error:
      return 3;
    case LogLevel::fatal:
    case LogLevel::panic:
      return 2;
  }
  return 6;
}

std::string short_host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  const std::string_view full(name.data());
  return std::string(full.substr(0, full.find('.')));
}

// One line stays one line, whatever a peer said: control and non-ASCII bytes become '?'.
void append_printable(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out.append(text.substr(0, kMaxLogLine));
  for (std::size_t i = start; i < out.size(); ++i) {
    if (out[i] < ' ' || out[i] > '~') out[i] = '?';
  }
}

}  // namespace

LogWriter::LogWriter(Options options) : options_(std::move(options)) {
  if (options_.host.empty()) options_.host = short_host_name();
  if (options_.clock == nullptr) options_.clock = &system_clock_;
  if (options_.target == Target::syslog && options_.path.empty()) options_.path = kSyslogSocket;
}

std::optional<int> parse_facility(std::string_view name) {
  constexpr std::array<std::string_view, 24> kNames = {"kern",   "user",   "mail",     "daemon", "auth",     "syslog",
                                                       "lpr",    "news",   "uucp",     "cron",   "authpriv", "ftp",
                                                       "ntp",    "",       "security", "",       "local0",   "local1",
                                                       "local2", "local3", "local4",   "local5", "local6",   "local7"};
  if (name.empty()) return std::nullopt;
  const auto found = std::ranges::find_if(kNames, [name](std::string_view known) { return iequals(known, name); });
  return found == kNames.end() ? std::nullopt : std::optional(static_cast<int>(found - kNames.begin()));
}

Result<std::unique_ptr<LogWriter>> LogWriter::open(Options options) {
  std::unique_ptr<LogWriter> writer(new LogWriter(std::move(options)));
  if (writer->options_.target == Target::file) {
    if (auto opened = writer->open_file(); !opened) return std::unexpected(opened.error());
  }
  writer->thread_ = std::thread([w = writer.get()] { w->run(); });
  return writer;
}

LogWriter::~LogWriter() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  if (fd_ >= 0) ::close(fd_);
}

Result<> LogWriter::open_file() {
  const int fd = ::open(options_.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, options_.mode);
  if (fd < 0) return fail(Errc::io, fmt::format("open log file {}: {}", options_.path, errno_text(errno)));
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  return {};
}

void LogWriter::write(LogLevel level, std::string_view tag, std::uint32_t pid, std::string_view text) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() + text.size() >= options_.buffer_limit) {
      ++dropped_;
      ++unreported_;
      return;
    }
    append_locked(level, tag, pid, text);
    wake = sleeping_;
    sleeping_ = false;
  }
  if (wake) wake_.notify_one();
}

void LogWriter::append_locked(LogLevel level, std::string_view tag, std::uint32_t pid, std::string_view text) {
  refresh_stamp_locked();
  const std::size_t before = pending_.size();
  if (options_.target == Target::syslog) {
    fmt::format_to(std::back_inserter(pending_), "<{}>", options_.facility << kFacilityShift | syslog_severity(level));
  }
  pending_ += stamp_;
  fmt::format_to(std::back_inserter(pending_), "{}[{}]: {}", tag, pid, log_prefix(level));
  append_printable(pending_, text);
  pending_ += '\n';
  appended_ += pending_.size() - before;
}

void LogWriter::refresh_stamp_locked() {
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto since = options_.clock->wall().time_since_epoch();
  const std::time_t second = std::chrono::floor<std::chrono::seconds>(since).count();
  if (second == stamp_second_) return;
  stamp_second_ = second;
  std::tm local{};
  localtime_r(&second, &local);
  stamp_ = fmt::format("{} {:2} {:02}:{:02}:{:02} ", kMonths.at(static_cast<std::size_t>(local.tm_mon)), local.tm_mday,
                       local.tm_hour, local.tm_min, local.tm_sec);
  // To the local socket the host name is not sent: syslogd puts its own (RFC 3164 §4.3.2 is about relays).
  if (options_.target != Target::syslog) stamp_ += options_.host + ' ';
}

void LogWriter::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
    urgent_ = true;
  }
  wake_.notify_one();
}

bool LogWriter::flush(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = appended_;
  urgent_ = true;
  wake_.notify_one();
  return written_.wait_for(lock, limit, [&] { return emitted_ >= target; });
}

std::uint64_t LogWriter::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void LogWriter::run() {
  std::string batch;
  std::unique_lock lock(mutex_);
  while (true) {
    const auto called = [&] { return stopping_ || reopen_ || !pending_.empty() || unreported_ > 0; };
    sleeping_ = !called();
    wake_.wait(lock, called);
    sleeping_ = false;
    if (!urgent_) wake_.wait_for(lock, kLogGather, [&] { return stopping_ || urgent_; });
    urgent_ = false;
    if (unreported_ > 0) {
      append_locked(LogLevel::warning, options_.own_tag, static_cast<std::uint32_t>(getpid()),
                    fmt::format("{} log lines dropped", unreported_));
      unreported_ = 0;
    }
    batch.clear();
    batch.swap(pending_);
    const std::uint64_t upto = appended_;
    const bool reopen_now = reopen_;
    reopen_ = false;
    const bool last = stopping_;
    lock.unlock();
    if (reopen_now && options_.target == Target::file) static_cast<void>(open_file());
    const bool whole = emit(batch);
    lock.lock();
    // Not reported in the log itself: the next batch would be lost as well, and report its own report for ever.
    if (!whole) dropped_ += static_cast<std::uint64_t>(std::ranges::count(batch, '\n'));
    emitted_ = upto;
    written_.notify_all();
    if (last && pending_.empty()) return;
  }
}

bool LogWriter::emit(const std::string& batch) {
  if (batch.empty()) return true;
  return options_.target == Target::syslog ? emit_syslog(batch) : emit_stream(batch);
}

bool LogWriter::emit_stream(std::string_view batch) {
  const int fd = options_.target == Target::file ? fd_ : STDOUT_FILENO;
  while (!batch.empty()) {
    const ssize_t n = ::write(fd, batch.data(), batch.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    batch.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool LogWriter::connect_syslog() {
  if (fd_ >= 0) return true;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (options_.path.size() >= sizeof(address.sun_path)) return false;
  std::memcpy(address.sun_path, options_.path.data(), options_.path.size());
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return true;
  ::close(fd_);
  fd_ = -1;
  return false;
}

bool LogWriter::emit_syslog(std::string_view batch) {
  while (!batch.empty()) {
    const std::string_view line = batch.substr(0, batch.find('\n'));
    bool sent = false;
    for (int attempt = 0; attempt < 2 && !sent; ++attempt) {  // once more after syslogd was restarted
      if (!connect_syslog()) return false;
      sent = ::send(fd_, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size());
      if (sent) break;
      ::close(fd_);
      fd_ = -1;
    }
    if (!sent) return false;
    batch.remove_prefix(std::min(line.size() + 1, batch.size()));
  }
  return true;
}

}  // namespace waypost::events
