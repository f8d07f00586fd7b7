// The control port: one command a line, one answer a line. `wait` is answered when its condition holds or its time is
// over; the connection waits, the sink does not.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/channel.h"
#include "smtp_sink/counters.h"
#include "smtp_sink/rules.h"

namespace waypost::bench {

class ControlPort {
 public:
  ControlPort(Counters& counters, RuleBook& rules) : counters_(counters), rules_(rules) {}

  void adopt(int descriptor, int epoll, std::uint64_t tag);
  bool owns(std::uint64_t tag) const { return connections_.contains(tag); }
  void on_event(std::uint64_t tag);
  // Answers what has been waited for; call it at least every few milliseconds while waiting() is true.
  void poll_waits();
  bool waiting() const { return waits_ > 0; }
  bool quit_asked() const { return quit_; }

 private:
  struct Connection {
    Channel channel;
    std::string input;
    std::int64_t wait_for = -1, wait_until_ns = 0;
  };

  // Empty: nothing to say yet.
  std::string execute(Connection& connection, std::string_view line);
  void say(Connection& connection, std::string_view text);

  Counters& counters_;
  RuleBook& rules_;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  int waits_ = 0;
  bool quit_ = false;
};

}  // namespace waypost::bench
