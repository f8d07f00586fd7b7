// One SMTP session of the load generator: connects, sends messages from the supply, reports. Driven by the loop in
// source.cc. A session that failed asks to be opened again after a pause. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/channel.h"
#include "common/ledger.h"
#include "smtp_source/message.h"
#include "smtp_source/report.h"

namespace waypost::bench {

// The numbers of the messages still to be sent.
class Supply {
 public:
  explicit Supply(std::int64_t count) : count_(count) {}
  // -1 when there is none left.
  std::int64_t take();
  void give_back(std::int64_t seq) { returned_.push_back(seq); }
  void stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }
  bool exhausted() const { return stopped_ || (returned_.empty() && next_ >= count_); }

 private:
  std::int64_t count_, next_ = 0;
  bool stopped_ = false;
  std::deque<std::int64_t> returned_;
};

// What all sessions share.
struct SourceContext {
  const SourceOptions& options;
  const MessageWriter& writer;
  Supply& supply;
  Report& report;
  Ledger& ledger;
  SSL_CTX* tls = nullptr;
  int epoll = -1;
};

class SourceSession {
 public:
  explicit SourceSession(SourceContext& context) : context_(context) {}

  void open(std::uint64_t tag);
  void on_event(bool readable, bool writable);
  // Timeouts and paced sending; call it at least every few milliseconds.
  void on_tick(std::int64_t now);
  // After a stop of the supply: ends what holds nothing unfinished.
  void wind_down();

  bool is_open() const { return channel_.is_open(); }
  bool is_held() const { return state_ == State::held; }
  // When to open it (again); 0: now if there is work.
  std::int64_t reopen_ns() const { return reopen_ns_; }

 private:
  enum class State : unsigned char {
    closed,
    connecting,
    greeting,
    ehlo,
    starttls,
    tls,
    auth,
    mail,
    rcpt,
    data,
    commit,
    reset,
    quit,
    held
  };

  void connected();
  void start_tls();
  void advance_handshake();
  void read_replies();
  void on_reply(int code, std::string_view line);
  void on_greeting(int code, std::string_view line);
  void on_ehlo(int code, std::string_view line);
  void on_auth(int code, std::string_view line);
  void on_rcpt(int code, std::string_view line);
  void on_data(int code, std::string_view line);
  void on_commit(int code, std::string_view line);
  void send(State next, std::string_view bytes);
  void begin_auth();
  void ready();
  void next_message();
  void send_envelope();
  void send_content();
  void quit();
  void refused(std::string_view stage, int code, std::string_view line);
  void record(std::string_view state);
  void finish_connection();
  void fail(std::string_view where, std::string_view what);

  SourceContext& context_;
  Channel channel_;
  State state_ = State::closed;
  std::string input_;
  std::int64_t seq_ = -1;
  std::vector<std::string> recipients_;
  std::size_t recipients_sent_ = 0;
  int sent_here_ = 0, replies_due_ = 0, auth_step_ = 0;
  bool group_refused_ = false, tls_up_ = false, content_sent_ = false;
  std::int64_t opened_ns_ = 0, message_ns_ = 0, dot_ns_ = 0, heard_ns_ = 0, reopen_ns_ = 0, due_ns_ = 0;
};

}  // namespace waypost::bench
