#include "smtp_client/connection.h"

#include <utility>

#include "base/text.h"

namespace waypost::smtp_client {

std::chrono::seconds timeout_of(smtp::ClientSession::Phase phase, const Timeouts& timeouts) {
  using enum smtp::ClientSession::Phase;
  switch (phase) {
    case greeting:
    case ehlo:
    case helo:
    case lhlo:
    case auth:
      return timeouts.helo;
    case starttls:
    case tls:
      return timeouts.starttls;
    case xforward:
      return timeouts.xforward;
    case ready:
    case mail:
      return timeouts.mail;
    case reset:
      return timeouts.rset;
    case rcpt:
      return timeouts.rcpt;
    case data:
      return timeouts.data_init;
    case content:
      return timeouts.data_xfer;
    case final_reply:
      return timeouts.data_done;
    case quit:
    case closed:
      return timeouts.quit;
  }
  return timeouts.quit;
}

// True when what is left of an earlier read completes a reply.
bool Connection::parse_unread() {
  if (unread_.empty()) return false;
  std::string_view in = unread_;
  const bool complete = parser_.next(in);
  unread_.erase(0, unread_.size() - in.size());
  return complete;
}

// smtp_reply_filter: each line may be replaced before the session sees it.
net::Task<Connection::Action> Connection::answer_filtered() {
  const std::string original = parser_.reply().text;
  if (parser_.reply().malformed != smtp::ServerReply::Malformed::no) co_return session_.on_reply(parser_.reply());
  std::string filtered;
  for (const auto line : split(original, "\n")) {
    const auto found = co_await settings->reply_filter.find({std::string(line)});
    if (!found) co_return session_.on_content_failed();
    filtered.append(*found ? **found : std::string(line)).append("\r\n");
  }
  smtp::ReplyParser parser;
  std::string_view in = filtered;
  // What is no longer a whole reply is none at all.
  if (!parser.next(in)) {
    std::string_view garbage = "no reply is left by the filter\r\n";
    parser.reset();
    parser.next(garbage);
  }
  co_return session_.on_reply(parser.reply());
}

net::Task<Connection::Action> Connection::drive(Action action, const Timeouts& timeouts) {
  const bool filters = settings && !settings->reply_filter.empty();
  MonoTime deadline = stream_.thread().now() + timeout_of(session_.phase(), timeouts);
  while (action == Action::read || action == Action::write) {
    if (action == Action::write) {
      const auto written = co_await stream_.write_all(session_.output(), deadline);
      session_.output_sent();
      if (!written && written.error().code == Errc::timeout) co_return session_.on_timeout();
      action = Action::read;
    }
    if (parse_unread()) {
      if (filters) {
        action = co_await answer_filtered();
      } else {
        action = session_.on_reply(parser_.reply());
      }
      deadline = stream_.thread().now() + timeout_of(session_.phase(), timeouts);
      continue;
    }
    const auto scratch = stream_.thread().scratch();
    const auto got = co_await stream_.read_some(scratch, deadline);
    if (!got) co_return got.error().code == Errc::timeout ? session_.on_timeout() : session_.on_lost_connection();
    std::string_view in(scratch.data(), *got);
    while (!filters && action == Action::read && parser_.next(in)) {
      action = session_.on_reply(parser_.reply());
      deadline = stream_.thread().now() + timeout_of(session_.phase(), timeouts);
    }
    unread_.assign(in);
  }
  co_return action;
}

net::Task<void> Connection::say_goodbye(MonoTime deadline) {
  if (!stream_.is_open()) co_return;
  if (session_.quit() == Action::write) {
    const auto written = co_await stream_.write_all(session_.output(), deadline);
    session_.output_sent();
    if (!written) {
      stream_.close();
      co_return;
    }
  }
  co_await stream_.close_gracefully(deadline);
}

}  // namespace waypost::smtp_client
