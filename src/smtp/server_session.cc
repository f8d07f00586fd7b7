#include "smtp/server_session.h"

#include <array>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/text.h"
#include "smtp/command_rules.h"

namespace waypost::smtp {
namespace {

// Well-formed UTF-8 (RFC 3629 §4), without overlong forms and surrogates.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || i + more > text.size()) return false;
    const auto second = static_cast<unsigned char>(text[i]);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
        (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    for (const std::size_t end = i + more; i < end; ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return false;
    }
  }
  return true;
}

}  // namespace

ServerSession::ServerSession(const ServerSettings& settings, ServerObserver& observer, ClientIdentity client)
    : settings_(settings),
      observer_(observer),
      client_(std::move(client)),
      bare_newline_(settings.bare_newline),
      discarded_keywords_(settings.discard_ehlo_keywords) {}

Action ServerSession::greet(const Reply* refusal, std::string_view pending) {
  if (!pending.empty()) {
    observer_.improper_pipelining(where_, pending);
    noted_pipelining_ = true;
    if (settings_.forbid_unauth_pipelining) {
      say("554 5.5.0 Error: SMTP protocol synchronization");
      return close(CloseReason::protocol_abuse);
    }
  }
  if (refusal == nullptr) {
    output_.append("220 ");
    append_wire_line(output_, settings_.banner);
    return Action::next_line;
  }
  access_denied_ = true;
  return refuse(*refusal);
}

Action ServerSession::on_line(const Line& line, std::string_view behind) {
  WAYPOST_ASSERT(waiting_for_ == Action::next_line && phase_ != Phase::content && phase_ != Phase::closed);
  if (phase_ == Phase::auth) return on_response(line);
  if (line.status != Line::Status::ok || line.bare_newline) {
    const Action action = on_bad_line(line);
    if (line.status != Line::Status::ok || action != Action::next_line) return action;
  }
  const bool text_ok = line.text.find('\0') == std::string_view::npos;
  const Command command = text_ok ? parse_command(line.text) : Command{};
  if (command.count == 0) return reject_line("500 5.5.2 Error: bad syntax");
  if (settings_.smtputf8 && !is_utf8(line.text)) return reject_line("500 5.5.2 Error: bad UTF-8 syntax");
  if (settings_.noop_commands && settings_.noop_commands(command.word(0))) {
    say("250 2.0.0 Ok");
    if (junk_commands_++ > settings_.junk_command_limit) punish();
    return Action::next_line;
  }
  verb_ = command.verb;
  counters_.asked(verb_);
  if (verb_ == Verb::unknown) {
    const Action action = on_unknown(command, line.text);
    if (action == Action::close) return action;
  }
  if (access_denied_ && verb_ != Verb::quit) {
    return fail(fmt::format("503 5.7.0 Error: access denied for {}", client_.label()));
  }
  if (verb_ == Verb::unknown) return fail("500 5.5.2 Error: command not recognized");
  return dispatch(command, behind);
}

// Too long, endless, or ended by a bare LF. next_line: the line may be looked at.
Action ServerSession::on_bad_line(const Line& line) {
  if (line.status != Line::Status::ok) {
    observer_.line_too_long(line.text, line_limit());
    say(fmt::format("500 5.5.2 {} Error: command too long", settings_.hostname));
    return line.status == Line::Status::endless ? close(CloseReason::protocol_abuse) : Action::next_line;
  }
  if (bare_newline_ == BareNewline::note) noted_bare_newline_ = true;
  if (bare_newline_ != BareNewline::reject) return Action::next_line;
  observer_.bare_newline_refused();
  say(fmt::format("{} 5.5.2 {} Error: bare <LF> received", settings_.bare_newline_reject_code, settings_.hostname));
  return close(CloseReason::protocol_abuse);
}

Action ServerSession::on_unknown(const Command& command, std::string_view line) {
  const auto word = command.word(0);
  where_ = verb_name(Verb::unknown);
  const bool listed = settings_.forbidden_commands && settings_.forbidden_commands(word);
  const bool forbidden = listed || looks_like_header(word);
  if (!forbidden) return Action::next_line;
  observer_.non_smtp_command(line);
  say("221 2.7.0 Error: I can break rules, too. Goodbye.");
  return close(CloseReason::protocol_abuse);
}

Action ServerSession::dispatch(const Command& command, std::string_view behind) {
  const CommandRule& rule = CommandRules::find(verb_);
  if (settings_.tls == ServerTls::encrypt && !encrypted_ && !rule.before_tls) {
    return fail("530 5.7.0 Must issue a STARTTLS command first");
  }
  where_ = verb_name(verb_);
  if (out_of_step(command, behind)) {
    say("554 5.5.0 Error: SMTP protocol synchronization");
    return close(CloseReason::protocol_abuse);
  }
  if (!rule.allows(static_cast<std::uint8_t>(phase_)) && !rule.wrong_phase.empty()) return fail(rule.wrong_phase);
  const std::string refusal = (this->*rule.check)(command);
  if (!refusal.empty()) return fail(refusal);
  const Action action = (this->*rule.apply)(command);
  if (action != Action::next_line && action != Action::close) waiting_for_ = action;
  return action;
}

// RFC 2920 §3.1: before EHLO a client waits for each answer; after it for those of the commands that end a group.
bool ServerSession::out_of_step(const Command& command, std::string_view behind) {
  const bool must_wait = !esmtp_ || CommandRules::find(command.verb).ends_group;
  if (!must_wait || behind.empty() || noted_pipelining_) return false;
  noted_pipelining_ = true;
  observer_.improper_pipelining(where_, behind);
  return settings_.forbid_unauth_pipelining;
}

Action ServerSession::on_decision(const Reply* refusal) {
  const Action asked = std::exchange(waiting_for_, Action::next_line);
  if (refusal != nullptr && asked == Action::check_end_of_data) return on_refused(*refusal);
  if (refusal != nullptr) return refuse(*refusal);
  switch (asked) {
    case Action::check_helo:
      return accept_helo();
    case Action::check_mail:
      return accept_mail();
    case Action::check_rcpt:
      return accept_rcpt();
    case Action::check_vrfy:
      say(fmt::format("252 2.0.0 {}", candidate_dsn_));
      return finish(true);
    case Action::check_etrn:
      return accept_etrn();
    case Action::check_tls:
      return accept_tls();
    case Action::check_data:
      say("354 End data with <CR><LF>.<CR><LF>");
      phase_ = Phase::content;
      return waiting_for_ = Action::receive_content;
    case Action::check_end_of_data:
      return waiting_for_ = Action::commit;
    default:
      break;
  }
  WAYPOST_ASSERT(false);
  return Action::close;
}

Action ServerSession::on_content_end(bool bare_newline, const Reply* refusal) {
  WAYPOST_ASSERT(waiting_for_ == Action::receive_content);
  waiting_for_ = Action::next_line;
  where_ = "END-OF-MESSAGE";
  if (bare_newline && bare_newline_ == BareNewline::note) noted_bare_newline_ = true;
  if (bare_newline && bare_newline_ == BareNewline::reject) {
    observer_.bare_newline_refused();
    return on_refused(
        {settings_.bare_newline_reject_code, "5.5.2", fmt::format("{} Error: bare <LF> received", settings_.hostname)});
  }
  if (refusal != nullptr) return on_refused(*refusal);
  return waiting_for_ = Action::check_end_of_data;
}

// A message that was received makes up for earlier errors.
Action ServerSession::on_queued(QueueId id) {
  WAYPOST_ASSERT(waiting_for_ == Action::commit);
  waiting_for_ = Action::next_line;
  errors_ = 0;
  junk_commands_ = 0;
  fmt::format_to(std::back_inserter(output_), "250 2.0.0 Ok: queued as {}\r\n", id.text());
  reset_transaction();
  return finish(true);
}

Action ServerSession::on_refused(const Reply& refusal) {
  waiting_for_ = Action::next_line;
  troubles_ |= trouble_of_refusal(refusal);
  say(refusal);
  reset_transaction();
  if (refusal.closes()) return close(CloseReason::refused);
  return finish(false);
}

// The rest of an AUTH command: answers to challenges (RFC 4954 §4).
Action ServerSession::on_response(const Line& line) {
  if (line.status != Line::Status::ok) {
    phase_ = before_auth_;
    observer_.line_too_long({}, line_limit());
    const Action action = fail("500 5.5.6 SASL response limit exceeded");
    return line.status == Line::Status::endless ? close(CloseReason::protocol_abuse) : action;
  }
  if (line.text == "*") {
    phase_ = before_auth_;
    observer_.auth_aborted(sasl_mechanism_);
    return fail("501 5.7.0 Authentication aborted");
  }
  sasl_response_ = line.text;
  has_sasl_response_ = true;
  return waiting_for_ = Action::sasl_step;
}

Action ServerSession::on_sasl(const SaslAnswer& answer) {
  WAYPOST_ASSERT(waiting_for_ == Action::sasl_start || waiting_for_ == Action::sasl_step);
  waiting_for_ = Action::next_line;
  const std::string reason = answer.text.empty() ? "(reason unavailable)" : printable(answer.text, kMaxReplyLineBytes);
  if (answer.kind == SaslAnswer::Kind::challenge) {
    phase_ = Phase::auth;
    output_.append("334 ").append(answer.text).append("\r\n");
    return Action::next_line;
  }
  phase_ = before_auth_;
  sasl_response_ = {};
  if (answer.kind == SaslAnswer::Kind::temporary) {
    return fail(fmt::format("454 4.7.0 Temporary authentication failure: {}", reason));
  }
  if (answer.kind == SaslAnswer::Kind::failure) {
    return fail(fmt::format("535 5.7.8 Error: authentication failed: {}", reason));
  }
  sasl_username_ = printable(answer.username);
  sasl_method_ = printable(sasl_mechanism_);
  say("235 2.7.0 Authentication successful");
  return finish(true);
}

// A client that tries too often. It may go on.
Action ServerSession::on_auth_refused(const Reply& refusal) {
  waiting_for_ = Action::next_line;
  phase_ = before_auth_;
  sasl_response_ = {};
  return refuse(refusal);
}

// RFC 3207 §4.2: everything the client said before is forgotten.
Action ServerSession::on_tls(bool established) {
  WAYPOST_ASSERT(waiting_for_ == Action::start_tls);
  waiting_for_ = Action::next_line;
  if (!established) return close(CloseReason::none);
  encrypted_ = true;
  helo_.clear();
  reset_transaction();
  sasl_username_.clear();
  sasl_method_.clear();
  sasl_mechanisms_.clear();
  return finish(true);
}

std::size_t ServerSession::line_limit() const {
  return phase_ == Phase::auth ? settings_.sasl_response_limit : settings_.line_length_limit;
}

mail::Envelope ServerSession::take_envelope() {
  mail::Envelope out = std::move(envelope_);
  out.arrival = arrival_;
  out.client_name = client_.name;
  out.client_address = client_.address;
  out.helo = helo_;
  out.protocol = protocol();
  if (esmtp_ && encrypted_) out.protocol += 'S';
  if (esmtp_ && !sasl_username_.empty()) out.protocol += 'A';
  out.sasl_method = sasl_method_;
  out.sasl_username = sasl_username_;
  envelope_ = {};
  envelope_.id = out.id;
  envelope_.sender = out.sender;
  envelope_.recipients.push_back({out.recipients.front().address, {}, {}, {}});
  return out;
}

void ServerSession::punish() { ++errors_; }

void ServerSession::say(std::string_view line) {
  if (errors_ >= settings_.soft_error_limit) delay_ += settings_.error_sleep_time;
  const std::size_t start = output_.size();
  append_wire_line(output_, line);
  if (!settings_.soft_bounce || line.front() != '5') return;
  output_[start] = '4';
  constexpr std::size_t kStatus = 4;
  if (line.size() > kStatus && line[kStatus] == '5') output_[start + kStatus] = '4';
}

void ServerSession::say(const Reply& reply) {
  if (errors_ >= settings_.soft_error_limit) delay_ += settings_.error_sleep_time;
  append_wire(output_, settings_.soft_bounce ? soften(reply) : reply);
}

Action ServerSession::fail(std::string_view line) {
  troubles_ |= trouble_of_command(line);
  say(line);
  return finish(false);
}

Action ServerSession::refuse(const Reply& reply) {
  troubles_ |= trouble_of_refusal(reply);
  say(reply);
  const Action action = finish(false);
  return reply.closes() ? close(CloseReason::refused) : action;
}

// A line that is no command.
Action ServerSession::reject_line(std::string_view line) {
  verb_ = Verb::unknown;
  where_ = verb_name(verb_);
  counters_.asked(verb_);
  return fail(line);
}

Action ServerSession::finish(bool success) {
  if (success) {
    counters_.succeeded(verb_);
  } else {
    punish();
  }
  const bool junk = verb_ != Verb::unknown && CommandRules::find(verb_).counts_as_junk;
  if (junk && junk_commands_++ > settings_.junk_command_limit) punish();
  if (errors_ < settings_.hard_error_limit) return Action::next_line;
  say(fmt::format("421 4.7.0 {} Error: too many errors", settings_.hostname));
  return close(CloseReason::too_many_errors);
}

Action ServerSession::close(CloseReason reason) {
  phase_ = Phase::closed;
  close_reason_ = reason;
  return Action::close;
}

void ServerSession::reset_transaction() {
  envelope_ = {};
  recipients_ = 0;
  overshoot_ = 0;
  forwarded_ = {};
  sasl_sender_.clear();
  if (phase_ != Phase::closed) phase_ = helo_.empty() ? Phase::connected : Phase::greeted;
}

}  // namespace waypost::smtp
