#include "smtp_sink/control.h"

#include <algorithm>
#include <cstdlib>

#include "common/clock.h"

namespace waypost::bench {

namespace {

constexpr std::int64_t kDefaultMissing = 20;

std::string next_word(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  const std::size_t end = std::min(text.find(' '), text.size());
  std::string word(text.substr(0, end));
  text.remove_prefix(end);
  return word;
}

std::int64_t next_number(std::string_view& text) { return std::atoll(next_word(text).c_str()); }

}  // namespace

void ControlPort::adopt(int descriptor, int epoll, std::uint64_t tag) {
  auto connection = std::make_unique<Connection>();
  connection->channel.open(descriptor, epoll, tag);
  connection->channel.pause_input(false);
  connections_.emplace(tag, std::move(connection));
}

void ControlPort::on_event(std::uint64_t tag) {
  Connection& connection = *connections_.at(tag);
  Step step = Step::done;
  while (step == Step::done) step = connection.channel.receive(connection.input);
  for (std::size_t newline = connection.input.find('\n'); newline != std::string::npos;
       newline = connection.input.find('\n')) {
    std::string line = connection.input.substr(0, newline);
    if (line.ends_with('\r')) line.pop_back();
    connection.input.erase(0, newline + 1);
    say(connection, execute(connection, line));
  }
  if (step != Step::failed) return;
  if (connection.wait_for >= 0) --waits_;
  connections_.erase(tag);
}

std::string ControlPort::execute(Connection& connection, std::string_view line) {
  const std::string command = next_word(line);
  if (command == "stats") return counters_.json();
  if (command == "reset") {
    counters_.reset(next_word(line));
    return "OK";
  }
  if (command == "wait") {
    connection.wait_for = next_number(line);
    connection.wait_until_ns = now_ns() + next_number(line) * kNsPerMs;
    ++waits_;
    return {};
  }
  if (command == "missing") {
    const std::int64_t upto = next_number(line), limit = next_number(line);
    return counters_.missing(upto, limit > 0 ? limit : kDefaultMissing);
  }
  if (command == "rule") {
    while (line.starts_with(' ')) line.remove_prefix(1);
    return rules_.add(line) ? "OK" : "ERR not a rule";
  }
  if (command == "norules") {
    rules_.clear();
    return "OK";
  }
  quit_ = quit_ || command == "quit";
  return quit_ ? "OK" : "ERR no such command";
}

void ControlPort::poll_waits() {
  for (auto& [tag, connection] : connections_) {
    if (connection->wait_for < 0) continue;
    if (counters_.unique() + counters_.unnumbered() < connection->wait_for && now_ns() < connection->wait_until_ns)
      continue;
    connection->wait_for = -1;
    --waits_;
    say(*connection, counters_.json());
  }
}

void ControlPort::say(Connection& connection, std::string_view text) {
  if (text.empty()) return;
  connection.channel.queue(text);
  connection.channel.queue("\n");
  // answers are short: a reader that does not take one loses it
  (void)connection.channel.flush();
}

}  // namespace waypost::bench
