// The sink's loop: accepts, hands events to sessions and control connections, runs timers. One thread.
#pragma once

#include <csignal>
#include <cstdint>
#include <memory>
#include <queue>
#include <unordered_map>
#include <vector>

#include "smtp_sink/control.h"
#include "smtp_sink/session.h"

namespace waypost::bench {

class SinkServer {
 public:
  explicit SinkServer(const SinkOptions& options);
  ~SinkServer();
  SinkServer(const SinkServer&) = delete;
  SinkServer& operator=(const SinkServer&) = delete;

  // False with a message on stderr: certificate, ledger, rule or port is not usable.
  bool open();
  // Until `stop` becomes true or the control port says quit.
  void run(const volatile std::sig_atomic_t& stop);
  std::string stats() const { return counters_.json(); }
  int port() const { return port_; }
  int control_port() const { return control_port_; }

 private:
  struct Timer {
    std::int64_t at_ns;
    std::uint64_t session;
    bool operator<(const Timer& other) const { return at_ns > other.at_ns; }
  };

  bool load_certificate();
  void accept_sessions();
  void accept_control();
  void dispatch(std::uint64_t tag, bool readable, bool writable);
  void run_timers();
  int wait_ms() const;

  const SinkOptions& options_;
  RuleBook rules_;
  Counters counters_;
  Receipts receipts_;
  ControlPort control_;
  SSL_CTX* tls_ = nullptr;
  int epoll_ = -1, listener_ = -1, control_listener_ = -1, port_ = 0, control_port_ = 0;
  std::unique_ptr<SinkContext> context_;
  std::uint64_t next_id_ = 16;
  std::unordered_map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  std::priority_queue<Timer> timers_;
};

}  // namespace waypost::bench
