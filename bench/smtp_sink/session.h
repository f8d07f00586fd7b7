// One SMTP session of the sink. Driven by the server's loop: events in, everything else inside. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/channel.h"
#include "smtp_sink/auth.h"
#include "smtp_sink/content.h"
#include "smtp_sink/receipts.h"
#include "smtp_sink/rules.h"

namespace waypost::bench {

// What all sessions share.
struct SinkContext {
  const SinkOptions& options;
  RuleBook& rules;
  Counters& counters;
  Receipts& receipts;
  SSL_CTX* tls = nullptr;
  int epoll = -1;
  // Calls on_timer() of the session with this id that much later.
  std::function<void(std::uint64_t id, std::int64_t delay_ms)> call_later;
};

class Session {
 public:
  Session(SinkContext& context, std::uint64_t id, int descriptor);
  ~Session();

  void on_event(bool readable, bool writable);
  void on_timer();
  bool is_open() const { return channel_.is_open(); }

 private:
  enum class Mode : unsigned char { commands, content, silent, endless, flood, waiting };

  void greet();
  void read_input();
  void consume_input();
  void command(std::string_view line);
  void ehlo(std::string_view argument);
  void mail(std::string_view argument);
  void rcpt(std::string_view argument);
  void auth(std::string_view argument);
  void starttls();
  void end_of_data();
  // The usual reply, unless a rule for the stage says otherwise. True when the usual one goes out.
  bool answer(Stage stage, std::string_view usual, const std::vector<std::string>& subjects = {});
  void perform(const Action& action, std::string_view usual);
  void reply(std::string_view text);
  void advance_handshake();
  void flush();
  void pour();
  void hang_up();

  SinkContext& context_;
  std::uint64_t id_;
  Channel channel_;
  Mode mode_ = Mode::commands;
  bool quitting_ = false, greeted_ = false;
  std::string input_, late_reply_;
  Mode mode_after_wait_ = Mode::commands;
  Transaction transaction_;
  bool mail_given_ = false;
  ContentReader content_;
  std::optional<AuthExchange> auth_;
};

}  // namespace waypost::bench
