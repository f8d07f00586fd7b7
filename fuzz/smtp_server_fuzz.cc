// A whole dialogue: the first bytes choose the settings and what policy answers, the rest is what the client sends.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "smtp/server_session.h"

namespace {

using namespace waypost::smtp;

ServerSettings settings_from(std::uint8_t bits) {
  ServerSettings settings;
  settings.hostname = "mx.example";
  settings.helo_required = (bits & 1) != 0;
  settings.smtputf8 = (bits & 2) != 0;
  settings.bare_newline = static_cast<BareNewline>(bits >> 2 & 3);
  settings.forbid_unauth_pipelining = (bits & 16) != 0;
  settings.tls = static_cast<ServerTls>((bits >> 5) % 3);
  settings.soft_bounce = (bits & 128) != 0;
  settings.auth_enable = true;
  settings.recipient_limit = 4;
  settings.hard_error_limit = 200;
  settings.soft_error_limit = 100;
  return settings;
}

// Answers in a fixed pseudo-random order.
class Driver {
 public:
  Driver(ServerSession& session, const ServerSettings& settings, std::uint8_t seed)
      : session_(session), settings_(settings), seed_(seed) {}

  void run(std::string_view wire, std::size_t cut) {
    session_.set_sasl_mechanisms("PLAIN LOGIN");
    session_.greet(nullptr, {});
    while (!wire.empty() && !closed_) {
      const std::string chunk(wire.substr(0, cut));
      wire.remove_prefix(chunk.size());
      feed(chunk);
      check_output();
    }
  }

 private:
  void feed(std::string_view in) {
    while (!in.empty() && !closed_) {
      if (session_.receiving_content()) {
        const auto step = decoder_.next(in);
        in.remove_prefix(step.consumed);
        if (step.done) perform(session_.on_content_end(decoder_.saw_bare_newline(), roll() ? &no_ : nullptr), in);
        continue;
      }
      const auto line = reader_.next(in, session_.line_limit());
      if (line) perform(session_.on_line(*line, in), in);
    }
  }

  void perform(Action action, std::string_view& in) {
    while (action != Action::next_line) {
      if (action == Action::close) {
        closed_ = true;
        return;
      }
      if (action == Action::receive_content) {
        WAYPOST_ASSERT(!session_.take_envelope().recipients.empty());
        decoder_ = DataDecoder(settings_.bare_newline);
        return;
      }
      action = answer(action, in);
    }
  }

  Action answer(Action action, std::string_view& in) {
    if (action == Action::start_tls) {
      in = {};
      return session_.on_tls(true);
    }
    if (action == Action::introduce) return session_.on_introduced(roll() ? &no_ : nullptr);
    if (action == Action::sasl_start && roll()) return session_.on_auth_refused(no_);
    if (action == Action::sasl_start || action == Action::sasl_step) {
      return session_.on_sasl({static_cast<SaslAnswer::Kind>(seed_++ % 4), "eA==", "user"});
    }
    if (action == Action::commit && !roll()) return session_.on_queued(waypost::QueueId(1, 1));
    if (action == Action::commit) return session_.on_refused(no_);
    return session_.on_decision(roll() ? &no_ : nullptr);
  }

  bool roll() { return (++seed_ & 7) == 7; }

  // Every reply is whole lines of at most the limit, each beginning with a code.
  void check_output() {
    std::string_view out = session_.output();
    while (!out.empty()) {
      const auto end = out.find("\r\n");
      WAYPOST_ASSERT(end != std::string_view::npos && end >= 4);
      const auto line = out.substr(0, end);
      WAYPOST_ASSERT(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
      WAYPOST_ASSERT(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'));
      out.remove_prefix(end + 2);
    }
    session_.output().clear();
  }

  ServerSession& session_;
  const ServerSettings& settings_;
  std::uint8_t seed_;
  LineReader reader_;
  DataDecoder decoder_;
  Reply no_{550, "5.7.1", "no\nreally"};
  bool closed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const ServerSettings settings = settings_from(data[0]);
  SilentObserver observer;
  ServerSession session(settings, observer, {"c.example", "192.0.2.1"});
  Driver driver(session, settings, data[1]);
  driver.run({reinterpret_cast<const char*>(data + 3), size - 3}, 1 + data[2]);
  return 0;
}
