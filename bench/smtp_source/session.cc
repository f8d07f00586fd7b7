#include "smtp_source/session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/clock.h"
#include "common/text.h"

namespace waypost::bench {

namespace {

constexpr std::size_t kMaxReplyBytes = 1 << 20;
constexpr std::array<const char*, 14> kStateNames{"closed",      "connecting", "greeting", "ehlo", "starttls",
                                                  "tls",         "auth",       "mail",     "rcpt", "data",
                                                  "end of data", "rset",       "quit",     "held"};

// A socket bound as the options say, connecting. -1 with errno.
int start_connect(const SourceOptions& options, std::int64_t number) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  const int one = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (!options.bind.empty()) {
    inet_pton(AF_INET, options.bind.c_str(), &address.sin_addr);
    if (options.bind_range > 0) {
      address.sin_addr.s_addr =
          htonl(ntohl(address.sin_addr.s_addr) + static_cast<std::uint32_t>(number % options.bind_range));
    }
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  address.sin_port = htons(static_cast<std::uint16_t>(options.port));
  inet_pton(AF_INET, options.host.c_str(), &address.sin_addr);
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 || errno == EINPROGRESS)
    return descriptor;
  const int error = errno;
  ::close(descriptor);
  errno = error;
  return -1;
}

}  // namespace

std::int64_t Supply::take() {
  if (stopped_) return -1;
  if (!returned_.empty()) {
    const std::int64_t seq = returned_.front();
    returned_.pop_front();
    return seq;
  }
  return next_ < count_ ? next_++ : -1;
}

void SourceSession::open(std::uint64_t tag) {
  input_.clear();
  sent_here_ = replies_due_ = 0;
  tls_up_ = content_sent_ = false;
  reopen_ns_ = due_ns_ = 0;
  opened_ns_ = heard_ns_ = now_ns();
  if (context_.options.idle_s < 0 && (seq_ = context_.supply.take()) < 0) return;
  const int descriptor = start_connect(context_.options, context_.report.opened++);
  if (descriptor < 0) {
    ++context_.report.connect_failures;
    return fail("connect", std::strerror(errno));
  }
  channel_.open(descriptor, context_.epoll, tag);
  state_ = State::connecting;
  channel_.wait_writable();
}

void SourceSession::on_event(bool readable, bool writable) {
  if (state_ == State::connecting) return connected();
  if (channel_.handshaking()) return advance_handshake();
  if (writable && channel_.flush() == Step::failed)
    return fail(kStateNames[static_cast<std::size_t>(state_)], "write failed");
  if (readable && is_open()) read_replies();
}

void SourceSession::connected() {
  if (const int error = channel_.connect_error(); error != 0) {
    ++context_.report.connect_failures;
    return fail("connect", std::strerror(error));
  }
  channel_.pause_input(false);
  state_ = State::greeting;
  if (context_.options.tls == TlsUse::implicit) start_tls();
}

void SourceSession::start_tls() {
  input_.clear();
  channel_.start_tls(context_.tls, false);
  advance_handshake();
}

void SourceSession::advance_handshake() {
  const Step step = channel_.handshake();
  if (step == Step::failed) return fail("tls", "handshake failed");
  if (step == Step::pending) return;
  tls_up_ = true;
  if (channel_.resumed()) ++context_.report.tls_resumed;
  if (context_.options.tls == TlsUse::starttls) send(State::ehlo, "EHLO " + context_.options.helo + "\r\n");
  if (is_open()) read_replies();
}

void SourceSession::read_replies() {
  for (;;) {
    const Step step = channel_.receive(input_);
    if (step == Step::pending) return;
    if (step == Step::failed) {
      if (state_ == State::quit) return finish_connection();
      return fail(kStateNames[static_cast<std::size_t>(state_)], "closed by peer");
    }
    heard_ns_ = now_ns();
    const std::int64_t connection = opened_ns_;
    std::size_t used = 0;
    for (std::size_t newline = input_.find('\n'); newline != std::string::npos; newline = input_.find('\n', used)) {
      std::string line = input_.substr(used, newline - used);
      if (line.ends_with('\r')) line.pop_back();
      used = newline + 1;
      if (line.size() > 3 && line[3] == '-') continue;
      const bool was_plain = channel_.ssl() == nullptr;
      on_reply(std::atoi(line.c_str()), line);
      if (!is_open() || opened_ns_ != connection || (was_plain && channel_.ssl() != nullptr)) return;
    }
    input_.erase(0, used);
    if (input_.size() > kMaxReplyBytes) return fail("reply", "endless");
  }
}

void SourceSession::on_reply(int code, std::string_view line) {
  switch (state_) {
    case State::greeting:
      return on_greeting(code, line);
    case State::ehlo:
      return on_ehlo(code, line);
    case State::starttls:
      return code == 220 ? start_tls() : refused("starttls", code, line);
    case State::auth:
      return on_auth(code, line);
    case State::mail:
      if (code != 250) return refused("mail", code, line);
      recipients_sent_ = 1;
      return send(State::rcpt, "RCPT TO:<" + recipients_.front() + ">\r\n");
    case State::rcpt:
      return on_rcpt(code, line);
    case State::data:
      return on_data(code, line);
    case State::commit:
      return on_commit(code, line);
    case State::reset:
      return code == 250 ? next_message() : refused("rset", code, line);
    case State::quit:
      return finish_connection();
    case State::held:
      return context_.report.error("held", line);
    default:
      return fail("unexpected reply", line);
  }
}

void SourceSession::on_greeting(int code, std::string_view line) {
  if (code != 220) return refused("greeting", code, line);
  context_.report.greeting_us.push_back(static_cast<float>(heard_ns_ - opened_ns_) / 1e3F);
  send(State::ehlo, "EHLO " + context_.options.helo + "\r\n");
}

void SourceSession::on_ehlo(int code, std::string_view line) {
  if (code != 250) return refused("ehlo", code, line);
  if (context_.options.tls == TlsUse::starttls && !tls_up_) return send(State::starttls, "STARTTLS\r\n");
  if (!context_.options.login.empty()) return begin_auth();
  ready();
}

void SourceSession::begin_auth() {
  const std::string& login = context_.options.login;
  auth_step_ = 0;
  if (context_.options.mechanism != "PLAIN") return send(State::auth, "AUTH " + context_.options.mechanism + "\r\n");
  std::string response = '\0' + login;
  response[response.find(':')] = '\0';
  send(State::auth, "AUTH PLAIN " + base64_encode(response) + "\r\n");
}

void SourceSession::on_auth(int code, std::string_view line) {
  if (code == 235) return ready();
  if (code != 334) return refused("auth", code, line);
  const std::string& login = context_.options.login;
  const std::string user = login.substr(0, login.find(':')), password = login.substr(login.find(':') + 1);
  std::string response = auth_step_++ == 0 ? user : password;
  if (context_.options.mechanism == "CRAM-MD5")
    response = user + ' ' + hmac_md5_hex(password, base64_decode(line.substr(std::min<std::size_t>(4, line.size()))));
  send(State::auth, base64_encode(response) + "\r\n");
}

void SourceSession::on_rcpt(int code, std::string_view line) {
  if (code / 100 != 2) return refused("rcpt", code, line);
  if (recipients_sent_ < recipients_.size())
    return send(State::rcpt, "RCPT TO:<" + recipients_[recipients_sent_++] + ">\r\n");
  replies_due_ = 1;
  send(State::data, "DATA\r\n");
}

void SourceSession::on_data(int code, std::string_view line) {
  if (--replies_due_ > 0) {  // pipelined MAIL and RCPT
    if (code / 100 == 2) return;
    context_.report.error("pipelined", line);
    group_refused_ = true;
    return;
  }
  if (code == 354 && group_refused_) return fail("data", "354 after a refused recipient");
  if (code != 354) return refused("data", code, line);
  send_content();
}

void SourceSession::on_commit(int code, std::string_view line) {
  content_sent_ = false;
  if (code != 250) return refused("end of data", code, line);
  Report& report = context_.report;
  record("accepted");
  ++report.accepted;
  report.last_accept_ns = heard_ns_;
  const std::int64_t from = context_.options.per_connection == 1 ? opened_ns_ : message_ns_;
  report.latency_us.push_back(static_cast<float>(heard_ns_ - from) / 1e3F);
  report.commit_us.push_back(static_cast<float>(heard_ns_ - dot_ns_) / 1e3F);
  seq_ = -1;
  ++sent_here_;
  next_message();
}

void SourceSession::ready() {
  if (context_.options.idle_s < 0) return next_message();
  state_ = State::held;
  ++context_.report.held;
}

void SourceSession::next_message() {
  const SourceOptions& options = context_.options;
  if (options.per_connection > 0 && sent_here_ >= options.per_connection) return quit();
  if (seq_ < 0) seq_ = context_.supply.take();
  if (seq_ < 0) return quit();
  state_ = State::mail;
  recipients_ = context_.writer.recipients(seq_);
  if (options.rate > 0) {
    due_ns_ = context_.report.start_ns +
              static_cast<std::int64_t>(static_cast<double>(seq_) / options.rate * static_cast<double>(kNsPerSecond));
    if (due_ns_ > now_ns()) return;  // on_tick goes on
  }
  send_envelope();
}

void SourceSession::send_envelope() {
  due_ns_ = 0;
  message_ns_ = heard_ns_ = now_ns();
  group_refused_ = false;
  const std::string mail = "MAIL FROM:<" + context_.options.sender + ">\r\n";
  if (!context_.options.pipelining) return send(State::mail, mail);
  std::string group = mail;
  for (const std::string& recipient : recipients_) group += "RCPT TO:<" + recipient + ">\r\n";
  replies_due_ = 2 + static_cast<int>(recipients_.size());
  send(State::data, group += "DATA\r\n");
}

void SourceSession::send_content() {
  Message message = context_.writer.wire(seq_, message_ns_);
  if (!message.tail.empty()) channel_.queue_borrowed(message.tail);
  content_sent_ = true;  // from here on the relay may have taken it, whatever we hear
  dot_ns_ = now_ns();
  send(State::commit, message.head);
}

void SourceSession::send(State next, std::string_view bytes) {
  state_ = next;
  channel_.queue(bytes);
  if (channel_.flush() == Step::failed) fail(kStateNames[static_cast<std::size_t>(next)], "write failed");
}

void SourceSession::quit() {
  send(State::quit, "QUIT\r\n");
  if (context_.options.quit_nowait && state_ == State::quit) finish_connection();
}

// The relay said no: a 421 or a refusal before the first message ends the connection, another one ends the message.
void SourceSession::refused(std::string_view stage, int code, std::string_view line) {
  const bool in_transaction =
      state_ == State::mail || state_ == State::rcpt || state_ == State::data || state_ == State::commit;
  if (code == 421 || !in_transaction) return fail(stage, line);
  context_.report.error(stage, line);
  context_.supply.give_back(seq_);
  ++context_.report.resent;
  seq_ = -1;
  if (context_.report.errors() > context_.options.max_errors) context_.supply.stop();
  send(State::reset, "RSET\r\n");
}

void SourceSession::record(std::string_view state) {
  if (!context_.ledger.is_open()) return;
  context_.ledger.add({.at_ns = now_ns(),
                       .state = state,
                       .run = context_.options.run,
                       .seq = seq_,
                       .sha256 = context_.writer.sha256(seq_, message_ns_),
                       .recipients = recipients_});
}

void SourceSession::finish_connection() {
  channel_.close();
  state_ = State::closed;
  reopen_ns_ = 0;
}

void SourceSession::fail(std::string_view where, std::string_view what) {
  context_.report.error(where, what);
  if (state_ == State::held) --context_.report.held;
  if (seq_ >= 0) {
    if (content_sent_) {
      record("unknown");
      ++context_.report.unknown;
    }
    if (context_.options.resend || !content_sent_) {
      context_.supply.give_back(seq_);
      ++context_.report.resent;
    }
    seq_ = -1;
  }
  channel_.close();
  state_ = State::closed;
  reopen_ns_ = now_ns() + context_.options.retry_ms * kNsPerMs;
  if (context_.report.errors() > context_.options.max_errors) context_.supply.stop();
}

void SourceSession::on_tick(std::int64_t now) {
  if (!is_open() || state_ == State::held) return;
  if (due_ns_ > 0) {
    if (now >= due_ns_) send_envelope();
    return;
  }
  if (now - heard_ns_ > static_cast<std::int64_t>(context_.options.timeout_s * static_cast<double>(kNsPerSecond))) {
    fail(kStateNames[static_cast<std::size_t>(state_)], "no answer in time");
  }
}

void SourceSession::wind_down() {
  if (!is_open()) return;
  if (due_ns_ > 0) {
    due_ns_ = 0;
    seq_ = -1;
    return quit();
  }
  if (seq_ < 0 && state_ != State::quit) finish_connection();
}

}  // namespace waypost::bench
