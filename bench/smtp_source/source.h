// The load generator's loop: opens sessions, drives them, ends when everything was accepted, the hold time is over or
// it is told to stop. One thread.
#pragma once

#include <csignal>
#include <memory>
#include <vector>

#include "smtp_source/session.h"

namespace waypost::bench {

class Source {
 public:
  explicit Source(const SourceOptions& options);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // False with a message on stderr: the ledger cannot be written.
  bool open();
  // True when everything asked for was done.
  bool run(const volatile std::sig_atomic_t& stop);
  std::string json() { return report_.json(options_); }

 private:
  void open_sessions(std::int64_t now);
  void dispatch();
  bool finished(std::int64_t now);
  int wait_ms() const;

  const SourceOptions& options_;
  MessageWriter writer_;
  Supply supply_;
  Report report_;
  Ledger ledger_;
  std::unique_ptr<SourceContext> context_;
  std::vector<std::unique_ptr<SourceSession>> sessions_;
  std::vector<std::uint32_t> generations_;
  SSL_CTX* tls_ = nullptr;
  int epoll_ = -1;
  bool pausing_ = false;  // a session waits to be opened again
  std::int64_t hold_until_ns_ = 0, stop_deadline_ns_ = 0;
};

}  // namespace waypost::bench
