#include "smtp_sink/session.h"

#include <algorithm>
#include <cstdio>

#include "common/text.h"

namespace waypost::bench {

namespace {

constexpr std::size_t kMaxLine = 64 * 1024;
constexpr std::size_t kPour = 64 * 1024;

// "FROM:<a@b> SIZE=3" -> "a@b" and "SIZE=3"
std::string take_path(std::string_view argument, std::string& parameters) {
  const std::size_t open = argument.find('<'), close = argument.find('>');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return {};
  std::string_view rest = argument.substr(close + 1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  parameters = rest;
  return std::string(argument.substr(open + 1, close - open - 1));
}

}  // namespace

Session::Session(SinkContext& context, std::uint64_t id, int descriptor) : context_(context), id_(id) {
  context_.counters.opened();
  channel_.open(descriptor, context_.epoll, id);
  if (context_.options.implicit_tls) {
    channel_.start_tls(context_.tls, true);
    advance_handshake();
  } else {
    greet();
  }
}

Session::~Session() { hang_up(); }

void Session::greet() {
  greeted_ = true;
  channel_.pause_input(false);
  const int limit = context_.options.max_sessions;
  if (limit > 0 && context_.counters.open > limit) {
    ++context_.counters.temporary;
    reply("421 4.3.2 too many connections\r\n");
  } else {
    answer(Stage::connect, "220 " + context_.options.name + " ESMTP smtp-sink\r\n");
  }
  flush();
}

void Session::on_event(bool readable, bool writable) {
  if (channel_.handshaking()) {
    advance_handshake();
    return;
  }
  if (writable) flush();
  if (is_open() && (mode_ == Mode::endless || mode_ == Mode::flood)) return;
  if (is_open() && readable) read_input();
}

void Session::advance_handshake() {
  const Step step = channel_.handshake();
  if (step == Step::failed) return hang_up();
  if (step == Step::pending) return;
  ++context_.counters.tls;
  if (channel_.resumed()) ++context_.counters.resumed;
  transaction_.tls = true;
  if (!greeted_) greet();
  if (is_open()) read_input();
}

void Session::read_input() {
  for (;;) {
    const Step step = channel_.receive(input_);
    if (step == Step::failed) return hang_up();
    if (step == Step::pending) return;
    consume_input();
    if (!is_open() || channel_.handshaking() || mode_ == Mode::waiting) return;
  }
}

void Session::consume_input() {
  std::size_t used = 0;
  while (is_open() && !quitting_ && used < input_.size() && (mode_ == Mode::commands || mode_ == Mode::content)) {
    if (mode_ == Mode::content) {
      used += content_.take(std::string_view(input_).substr(used));
      if (content_.ended()) end_of_data();
      continue;
    }
    const std::size_t newline = input_.find('\n', used);
    if (newline == std::string::npos) {
      if (input_.size() - used > kMaxLine) return hang_up();
      break;
    }
    std::string_view line = std::string_view(input_).substr(used, newline - used);
    if (line.ends_with('\r')) line.remove_suffix(1);
    used = newline + 1;
    const bool was_plain = channel_.ssl() == nullptr;
    command(line);
    if (was_plain && channel_.ssl() != nullptr) return;  // starttls() has gone on from here
  }
  if (mode_ == Mode::silent) used = input_.size();
  input_.erase(0, used);
  if (is_open()) flush();
}

void Session::command(std::string_view line) {
  if (context_.options.verbose)
    std::fprintf(stderr, "[%llu] %.*s\n", static_cast<unsigned long long>(id_), static_cast<int>(line.size()),
                 line.data());
  if (auth_ && auth_->running()) {
    reply(auth_->answer(line) + "\r\n");
    if (auth_->succeeded()) {
      ++context_.counters.authenticated;
      transaction_.user = auth_->user();
    }
    return;
  }
  const std::string_view argument =
      line.substr(std::min(line.size(), line.find(' ') == std::string_view::npos ? line.size() : line.find(' ') + 1));
  if (starts_with_nocase(line, "MAIL")) return mail(argument);
  if (starts_with_nocase(line, "RCPT")) return rcpt(argument);
  if (starts_with_nocase(line, "EHLO")) return ehlo(argument);
  if (starts_with_nocase(line, "AUTH")) return auth(argument);
  if (starts_with_nocase(line, "STARTTLS")) return starttls();
  if (starts_with_nocase(line, "NOOP")) return reply("250 2.0.0 Ok\r\n");
  if (starts_with_nocase(line, "HELO")) {
    transaction_.helo = argument;
    answer(Stage::helo, "250 " + context_.options.name + "\r\n");
  } else if (starts_with_nocase(line, "DATA")) {
    if (transaction_.recipients.empty()) return reply("554 5.5.1 no valid recipients\r\n");
    if (!answer(Stage::data, "354 End data with <CR><LF>.<CR><LF>\r\n")) return;
    mode_after_wait_ = Mode::content;
    if (mode_ == Mode::commands) mode_ = Mode::content;
    content_.begin(context_.receipts.wants_content());
  } else if (starts_with_nocase(line, "RSET")) {
    mail_given_ = false;
    transaction_.recipients.clear();
    answer(Stage::rset, "250 2.0.0 Ok\r\n");
  } else if (starts_with_nocase(line, "QUIT")) {
    quitting_ = answer(Stage::quit, "221 2.0.0 Bye\r\n");
  } else {
    reply("500 5.5.2 command not recognized\r\n");
  }
}

void Session::ehlo(std::string_view argument) {
  const SinkOptions& options = context_.options;
  transaction_.helo = argument;
  std::vector<std::string> keywords{"PIPELINING", "SIZE " + std::to_string(options.size_limit), "8BITMIME",
                                    "ENHANCEDSTATUSCODES"};
  if (context_.tls != nullptr && !channel_.encrypted()) keywords.emplace_back("STARTTLS");
  if (!options.login.empty()) keywords.emplace_back("AUTH " + options.mechanisms);
  for (std::size_t at = 0; at < options.with.size();) {
    const std::size_t end = std::min(options.with.find(',', at), options.with.size());
    keywords.push_back(options.with.substr(at, end - at));
    at = end + 1;
  }
  std::string text = "250-" + options.name + "\r\n";
  const std::string hidden = ',' + options.without + ',';
  for (const std::string& keyword : keywords) {
    const std::string name = ',' + keyword.substr(0, keyword.find(' ')) + ',';
    if (hidden.find(name) == std::string::npos) text += "250-" + keyword + "\r\n";
  }
  answer(Stage::ehlo, text + "250 HELP\r\n");
}

void Session::mail(std::string_view argument) {
  if (context_.options.require_tls && !channel_.encrypted())
    return reply("530 5.7.0 Must issue a STARTTLS command first\r\n");
  if (context_.options.require_auth && transaction_.user.empty()) return reply("530 5.7.0 Authentication required\r\n");
  std::string parameters;
  const std::string sender = take_path(argument, parameters);
  if (!answer(Stage::mail, "250 2.1.0 Ok\r\n", {sender})) return;
  transaction_.sender = sender;
  transaction_.mail_parameters = parameters;
  transaction_.recipients.clear();
  transaction_.rcpt_parameters.clear();
  mail_given_ = true;
}

void Session::rcpt(std::string_view argument) {
  if (!mail_given_) return reply("503 5.5.1 need MAIL command\r\n");
  std::string parameters;
  const std::string recipient = take_path(argument, parameters);
  if (!answer(Stage::rcpt, "250 2.1.5 Ok\r\n", {recipient})) return;
  transaction_.recipients.push_back(recipient);
  transaction_.rcpt_parameters.push_back(parameters);
}

void Session::auth(std::string_view argument) {
  if (context_.options.login.empty()) return reply("503 5.5.1 authentication not enabled\r\n");
  if (const std::optional<Action> action = context_.rules.match(Stage::auth))
    return perform(*action, "535 5.7.8 authentication failed\r\n");
  const std::size_t blank = argument.find(' ');
  auth_.emplace(context_.options.login);
  const std::string_view initial = blank == std::string_view::npos ? std::string_view() : argument.substr(blank + 1);
  reply(auth_->begin(argument.substr(0, blank), initial) + "\r\n");
  if (auth_->succeeded()) {
    ++context_.counters.authenticated;
    transaction_.user = auth_->user();
  }
}

void Session::starttls() {
  if (context_.tls == nullptr || channel_.encrypted()) return reply("502 5.5.1 not available\r\n");
  if (!answer(Stage::starttls, "220 2.0.0 Ready to start TLS\r\n") || mode_ != Mode::commands) return;
  flush();
  if (!is_open()) return;
  transaction_ = Transaction();
  auth_.reset();
  input_.clear();  // RFC 3207 §4.2: what was sent along with STARTTLS does not count
  channel_.start_tls(context_.tls, true);
  advance_handshake();
}

void Session::end_of_data() {
  mode_ = mode_after_wait_ = Mode::commands;
  const std::optional<Action> action = context_.rules.match(Stage::eod, transaction_.recipients);
  const bool kept = !action || (action->misdeed == Misdeed::delay && action->reply.empty());
  if (kept) context_.receipts.accept(transaction_, content_);
  if (action) {
    perform(*action, "250 2.0.0 Ok: queued\r\n");
  } else {
    reply("250 2.0.0 Ok: queued\r\n");
  }
  mail_given_ = false;
  transaction_.recipients.clear();
  transaction_.rcpt_parameters.clear();
}

bool Session::answer(Stage stage, std::string_view usual, const std::vector<std::string>& subjects) {
  const std::optional<Action> action = context_.rules.match(stage, subjects);
  if (!action) {
    reply(usual);
    return true;
  }
  perform(*action, usual);
  return action->misdeed == Misdeed::delay && action->reply.empty();
}

void Session::perform(const Action& action, std::string_view usual) {
  switch (action.misdeed) {
    case Misdeed::reply:
      ++(action.reply.starts_with('5') ? context_.counters.permanent : context_.counters.temporary);
      return reply(action.reply);
    case Misdeed::close:
      ++context_.counters.closed;
      flush();  // earlier replies of a pipelined group
      return hang_up();
    case Misdeed::silence:
      mode_ = Mode::silent;
      return;
    case Misdeed::endless:
      mode_ = Mode::endless;
      return pour();
    case Misdeed::flood:
      mode_ = Mode::flood;
      return pour();
    case Misdeed::delay:
      break;
  }
  flush();
  if (!is_open()) return;
  late_reply_ = action.reply.empty() ? std::string(usual) : action.reply;
  mode_after_wait_ = mode_;
  mode_ = Mode::waiting;
  channel_.pause_input(true);
  context_.call_later(id_, action.delay_ms);
}

void Session::on_timer() {
  if (!is_open()) return;
  if (mode_ == Mode::endless || mode_ == Mode::flood) return pour();
  if (mode_ != Mode::waiting) return;
  mode_ = mode_after_wait_;
  channel_.pause_input(false);
  reply(late_reply_);
  flush();
  if (is_open()) consume_input();
  if (is_open() && channel_.encrypted()) read_input();  // OpenSSL may hold bytes that epoll does not show
}

void Session::reply(std::string_view text) {
  channel_.queue(text);
  if (text.starts_with("421")) quitting_ = true;
}

// Keeps an endless reply coming as fast as the peer takes it, but lets the other sessions have their turn.
void Session::pour() {
  static const std::string lines = [] {
    std::string out;
    while (out.size() < kPour) out += "250-and another thing\r\n";
    return out;
  }();
  static const std::string one_line(kPour, 'x');
  if (!channel_.has_output()) channel_.queue(mode_ == Mode::endless ? lines : one_line);
  if (channel_.flush() == Step::failed) return hang_up();
  context_.call_later(id_, 1);
}

void Session::flush() {
  if (!is_open()) return;
  const Step step = channel_.flush();
  if (step == Step::failed || (step == Step::done && quitting_)) hang_up();
}

void Session::hang_up() {
  if (!is_open()) return;
  if (mode_ == Mode::content) ++context_.counters.aborted;
  --context_.counters.open;
  channel_.close();
}

}  // namespace waypost::bench
