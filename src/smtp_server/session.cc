#include "smtp_server/session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "net/sleep.h"
#include "smtp_server/session_impl.h"

namespace waypost::smtp_server {

using smtp::Action;

namespace {

// Over the service's total: as cheap as can be, no name is looked up.
net::Task<void> turn_away(net::Stream& stream, const Service& service, Environment& environment) {
  const std::string address = ends_of(stream).client_address;
  const auto number = environment.numbers.take();
  const Log log(environment.log, service.settings.tag, number.number());
  log.warning("Connection concurrency limit exceeded: {} for service {}, refusing unknown[{}]",
              service.connections->in_use(), service.settings.name, address);
  const MonoTime deadline = stream.thread().now() + kGoodbyeTimeout;
  if (!service.settings.protocol.tls_wrapper) {
    const std::string reply = fmt::format("421 4.7.0 {} Error: too many connections from {}\r\n",
                                          service.settings.protocol.hostname, address);
    const auto said = co_await stream.write_all(reply, deadline);
    if (!said) co_return;
  }
  co_await stream.close_gracefully(deadline);
}

// Without the load balancer's word nobody knows what this client may do.
net::Task<std::optional<Ends>> hear_proxy(net::Stream& stream, const Service& service, Environment& environment) {
  const auto number = environment.numbers.take();
  const Log log(environment.log, service.settings.tag, number.number());
  auto ends = co_await read_proxy_header(stream, service.settings, log);
  if (!ends) {
    log.info("connect from unknown[unknown]");
    const std::string reply = fmt::format("421 4.3.0 {} Server local error\r\n", service.settings.protocol.hostname);
    const MonoTime deadline = stream.thread().now() + kGoodbyeTimeout;
    const auto said = co_await stream.write_all(reply, deadline);
    log.info("disconnect from unknown[unknown] commands=0/0");
    if (said) co_await stream.close_gracefully(deadline);
  }
  co_return ends;
}

}  // namespace

net::Task<void> serve(net::Stream stream, std::shared_ptr<const Service> service, Environment& environment,
                      net::TaskGroup& group) {
  std::optional<net::Limiter::Lease> lease;
  if (service->connections) {
    lease = service->connections->take();
    if (!lease) {
      co_await turn_away(stream, *service, environment);
      co_return;
    }
  }
  Ends ends = ends_of(stream);
  if (service->settings.proxy_header) {
    auto proxied = co_await hear_proxy(stream, *service, environment);
    if (!proxied) co_return;
    ends = std::move(*proxied);
  }
  ClientNames names = co_await environment.names.names_of(ends.client_address);
  Session session(std::move(stream), std::move(service), environment, group, std::move(ends), std::move(names));
  co_await session.run();
}

Session::Session(net::Stream stream, std::shared_ptr<const Service> service, Environment& environment,
                 net::TaskGroup& group, Ends ends, ClientNames names)
    : stream_(std::move(stream)),
      service_(std::move(service)),
      environment_(environment),
      group_(group),
      number_(environment.numbers.take()),
      log_(Log(environment.log, service_->settings.tag, number_.number())),
      protocol_(service_->settings.protocol, log_, {}),
      ends_(std::move(ends)),
      stop_hook_(group,
                 [this] {
                   if (waiting_for_command_) stream_.interrupt();
                 }),
      name_warning_(std::move(names.warning)) {
  log_.set_session(protocol_);
  subject_.client_name = std::move(names.name);
  subject_.reverse_name = std::move(names.reverse);
  identify();
}

net::Task<void> Session::run() {
  if (!name_warning_.empty()) log_.log().warning("{}", std::exchange(name_warning_, {}));
  log_.connected();
  const bool admitted = co_await admit();
  if (admitted) co_await converse();
  co_await leave();
}

// Limits, TLS in wrapper mode, the greeting.
net::Task<bool> Session::admit() {
  const bool is_known = co_await learn_lists();
  if (!is_known || !take_connection()) co_return false;
  protocol_.set_tls_available(service_->tls_context != nullptr);
  if (settings().protocol.tls_wrapper) {
    const bool encrypted = may_shake_hands() && co_await shake_hands();
    if (!encrypted) co_return false;
    protocol_.set_encrypted();
  }
  const bool greeted = co_await greet();
  co_return greeted;
}

net::Task<bool> Session::greet() {
  describe_subject(Action::next_line);
  const access::Decision decision = co_await service_->access->check_connect(subject_, memory_);
  const auto refusal = judge(decision);
  co_await learn_mechanisms();
  const auto early = settings().protocol.tls_wrapper ? std::string_view{} : pending_before_greeting();
  co_return protocol_.greet(refusal ? &*refusal : nullptr, early) != Action::close;
}

// What a client sent that does not wait for the greeting. It stays where it is.
std::string_view Session::pending_before_greeting() {
  const auto scratch = stream_.thread().scratch();
  const auto got = ::recv(stream_.fd(), scratch.data(), scratch.size(), MSG_PEEK | MSG_DONTWAIT);
  return got > 0 ? std::string_view(scratch.data(), static_cast<std::size_t>(got)) : std::string_view{};
}

net::Task<void> Session::converse() {
  while (true) {
    if (input_.empty()) {
      const bool filled = co_await fill();
      if (!filled) co_return;
    }
    auto line = reader_.next(input_, protocol_.line_limit());
    if (!line) continue;
    std::string replacement;
    if (service_->access->filters_commands() && line->status == smtp::Line::Status::ok && !protocol_.authenticating()) {
      keep_input();
      const bool usable = co_await filter_command(std::string(line->text), replacement);
      if (!usable) co_return;
      line->text = replacement;
    }
    if (listed(ClientList::debug)) log_.heard(line->text);
    if (settings().notices.keeps_dialogue()) transcript().heard(log_.shown(line->text));
    Action action = protocol_.on_line(*line, input_);
    if (exchange_ && !protocol_.authenticating() && action != Action::sasl_step) exchange_.reset();
    while (action != Action::next_line && action != Action::close) {
      const Action next = co_await answer(action);
      action = next;
    }
    const auto delay = protocol_.take_delay();
    if (delay.count() > 0) co_await pause(delay);
    if (action == Action::close || end_ != End::none) co_return;
  }
}

// smtpd_command_filter. False: the table failed, and the client must go.
net::Task<bool> Session::filter_command(std::string line, std::string& out) {
  const auto command = std::string(trim_left(line));
  const auto found = co_await service_->access->replaced_command(command);
  if (!found) {
    log_.log().warning("{}", found.error().text);
    say_data_error();
    co_return false;
  }
  if (*found) {
    log_.log().info("{}: replacing command \"{}\" with \"{}\"", log_.client(), log_.shown(command),
                    log_.shown(**found));
  }
  out = *found ? **found : line;
  co_return true;
}

// A client that makes errors waits for its answers, and we for it.
net::Task<void> Session::pause(std::chrono::seconds delay) {
  keep_input();
  co_await net::sleep_until(stream_.thread(), stream_.thread().now() + delay);
  const bool flushed = co_await flush();
  if (!flushed) drop_input();
}

net::Task<void> Session::leave() {
  message_.reset();
  std::string_view reason;
  if (end_ == End::stopped) {
    protocol_.say_goodbye({421, "4.3.2", fmt::format("{} Service is shutting down", settings().protocol.hostname)});
  } else if (end_ == End::timed_out) {
    protocol_.say_goodbye({421, "4.4.2", fmt::format("{} Error: timeout exceeded", settings().protocol.hostname)});
    log_.ended(reason = "timeout", content_bytes_);
  } else if (end_ == End::lost && protocol_.where() != "END-OF-MESSAGE") {
    log_.ended(reason = "lost connection", content_bytes_);
  } else if (protocol_.close_reason() == smtp::CloseReason::too_many_errors) {
    log_.ended(reason = "too many errors", content_bytes_);
  }
  if (end_ != End::lost && stream_.is_open() && !protocol_.output().empty()) {
    keep_replies();
    const auto said = co_await stream_.write_all(protocol_.output(), deadline(kGoodbyeTimeout));
    if (!said) stream_.close();
  }
  log_.disconnected();
  tell_postmaster(reason);
  lease_.reset();
  if (stream_.is_open()) co_await stream_.close_gracefully(deadline(kGoodbyeTimeout));
}

net::Task<bool> Session::flush() {
  std::string& output = protocol_.output();
  if (output.empty()) co_return true;
  keep_replies();
  const auto written = co_await stream_.write_all(output, deadline(settings().timeout));
  if (output.capacity() > kIdleOutputBytes) {
    output = {};
  } else {
    output.clear();
  }
  if (!written) note(written.error());
  co_return written.has_value();
}

// A command has smtpd_timeout from its first byte on, not from the last; content has it for each read.
net::Task<bool> Session::fill() {
  drop_input();
  const bool flushed = co_await flush();
  if (!flushed) co_return false;
  const bool content = protocol_.receiving_content();
  const bool begins = content ? !settings().per_request_deadline : reader_.empty();
  if (begins) command_deadline_ = deadline(settings().timeout);
  if (!content && group_.stop_requested()) {
    end_ = End::stopped;
    co_return false;
  }
  waiting_for_command_ = !content;
  const auto scratch = stream_.thread().scratch();
  const auto got = co_await stream_.read_some(scratch, command_deadline_);
  waiting_for_command_ = false;
  if (!got) {
    note(got.error());
    co_return false;
  }
  input_ = {scratch.data(), *got};
  if (content && settings().per_request_deadline) extend_deadline(*got);
  co_return true;
}

// What a client sends it earns time by, up to a whole smtpd_timeout.
void Session::extend_deadline(std::size_t bytes) {
  const auto earned = std::chrono::nanoseconds(std::chrono::seconds(bytes)) / settings().min_data_rate;
  command_deadline_ = std::min(command_deadline_ + earned, deadline(settings().timeout));
}

void Session::note(const Error& error) {
  if (error.code != Errc::timeout) {
    end_ = End::lost;
  } else {
    end_ = group_.stop_requested() ? End::stopped : End::timed_out;
  }
}

// Before every await but a read: what is left of the input moves out of the scratch buffer.
void Session::keep_input() {
  if (input_.empty() || (input_.data() >= carry_.data() && input_.data() < carry_.data() + carry_.size())) return;
  carry_.assign(input_);
  input_ = carry_;
}

void Session::drop_input() {
  input_ = {};
  carry_ = {};
}

net::Task<Action> Session::answer(Action asked) {
  keep_input();
  Action next = Action::close;
  switch (asked) {
    case Action::receive_content:
      next = co_await receive();
      break;
    case Action::commit:
      next = co_await commit();
      break;
    case Action::start_tls:
      next = co_await start_tls();
      break;
    case Action::sasl_start:
    case Action::sasl_step:
      next = co_await authenticate(asked == Action::sasl_start);
      break;
    case Action::introduce:
      next = co_await introduce();
      break;
    default:
      next = co_await check(asked);
      break;
  }
  co_return next;
}

net::Task<Action> Session::check(Action asked) {
  if (auto refusal = over_rate(asked)) co_return protocol_.on_decision(&*refusal);
  describe_subject(asked);
  AccessPort& access = *service_->access;
  access::Decision decision;
  switch (asked) {
    case Action::check_helo:
      decision = co_await access.check_helo(subject_, memory_);
      break;
    case Action::check_mail:
      decision = co_await access.check_mail(subject_, memory_);
      break;
    case Action::check_data:
      decision = co_await access.check_data(subject_);
      break;
    case Action::check_end_of_data:
      decision = co_await access.check_end_of_data(subject_);
      break;
    case Action::check_tls:
      break;
    case Action::check_etrn:
      decision = co_await access.check_etrn(subject_, memory_);
      break;
    default:
      decision = co_await access.check_rcpt(subject_, memory_);
      break;
  }
  auto refusal = judge(decision);
  if (asked == Action::check_mail && !refusal) {
    refusal = co_await begin_mail();
  }
  if (asked == Action::check_rcpt && !refusal && !protocol_.envelope().id) {
    const QueueId id = environment_.intake.next_id();
    protocol_.set_queue_id(id);
    log_.began(id);
  }
  co_return protocol_.on_decision(refusal ? &*refusal : nullptr);
}

// A sender is welcome: is there room, and how is its mail to be treated?
net::Task<std::optional<smtp::Reply>> Session::begin_mail() {
  protocol_.set_arrival(environment_.clock.wall());
  auto refusal = environment_.intake.check_space(protocol_.size_said());
  if (!refusal && !omits_headers_) {
    auto omits = co_await service_->access->may_omit_headers(subject_);
    if (!omits) {
      log_.log().warning("{}", omits.error().text);
      refusal = smtp::Reply{451, "4.3.0", "Temporary lookup error"};
    } else {
      omits_headers_ = *omits;
    }
  }
  if (refusal) log_.refused("reject", to_string(*refusal));
  co_return refusal;
}

void Session::describe_subject(Action asked) {
  subject_.helo.reset();
  if (asked == Action::check_helo) {
    subject_.helo = protocol_.candidate();
  } else if (protocol_.has_helo()) {
    subject_.helo = protocol_.helo_name();
  }
  subject_.protocol = protocol_.protocol();
  if (subject_.sasl_username != protocol_.sasl_username()) omits_headers_.reset();
  // A name that XCLIENT gives counts only where clients can log in.
  subject_.sasl_method = settings().protocol.auth_enable ? protocol_.sasl_method() : std::string();
  subject_.sasl_username = protocol_.sasl_username();
  subject_.encrypted = protocol_.encrypted();
  subject_.sender.reset();
  if (asked == Action::check_mail) {
    subject_.sender = protocol_.candidate();
  } else if (protocol_.in_transaction()) {
    subject_.sender = protocol_.envelope().sender;
  }
  subject_.recipient.reset();
  if (asked == Action::check_rcpt || asked == Action::check_vrfy || asked == Action::check_etrn) {
    subject_.recipient = protocol_.candidate();
  } else if (protocol_.recipient_count() == 1) {
    subject_.recipient = protocol_.envelope().recipients.front().address;
  }
}

// Logs what the policy has to say; the refusal, if it is one.
std::optional<smtp::Reply> Session::judge(const access::Decision& decision) {
  for (const auto& warning : decision.warnings) log_.log().warning("{}", warning);
  for (const auto& reply : decision.would_refuse) log_.refused("reject_warning", reply);
  if (decision.permitted()) return std::nullopt;
  smtp::Reply reply{decision.code, decision.dsn, decision.text};
  if (settings().protocol.soft_bounce) reply = smtp::soften(std::move(reply));
  log_.refused("reject", to_string(reply));
  if ((settings().notices.classes & smtp::trouble_of_refusal(reply)) != 0) transcript().logged(to_string(reply));
  return reply;
}

}  // namespace waypost::smtp_server
