#include "smtp/client_session.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/text.h"

namespace waypost::smtp {

namespace {

// What stands behind the first line's code and its separator.
std::string_view after_code(const ServerReply& reply) {
  constexpr std::size_t kCodeAndSeparator = 4;
  return std::string_view(reply.text).substr(std::min(kCodeAndSeparator, reply.text.size()));
}

}  // namespace

// What a phase waits for, and the words for when it does not come.
struct ClientSession::Row {
  Phase phase;
  ClientStage stage;
  std::string_view doing;    // "lost connection with H while ..."
  std::string_view command;  // "... (in reply to ...)"
  Action (ClientSession::*handle)(const ServerReply&);
};

const ClientSession::Row& ClientSession::row(Phase phase) {
  using enum Phase;
  using Stage = ClientStage;
  using S = ClientSession;
  static constexpr std::array<Row, 17> kRows = {{
      {greeting, Stage::greeting, "receiving the initial server greeting", "connection", &S::on_greeting},
      {ehlo, Stage::ehlo, "performing the EHLO handshake", "EHLO command", &S::on_ehlo},
      {helo, Stage::ehlo, "performing the HELO handshake", "HELO command", &S::on_helo},
      {lhlo, Stage::ehlo, "performing the LHLO handshake", "LHLO command", &S::on_lhlo},
      {starttls, Stage::starttls, "receiving the STARTTLS response", "STARTTLS command", &S::on_starttls},
      {tls, Stage::starttls, "performing the TLS handshake", "STARTTLS command", &S::on_unexpected},
      {auth, Stage::auth, "performing the AUTH handshake", "AUTH command", &S::on_auth},
      {ready, Stage::mail, "sending MAIL FROM", "nothing", &S::on_unexpected},
      {reset, Stage::mail, "sending RSET probe", "RSET command", &S::on_reset},
      {xforward, Stage::mail, "sending XFORWARD name/address", "XFORWARD command", &S::on_xforward},
      {mail, Stage::mail, "sending MAIL FROM", "MAIL FROM command", &S::on_mail},
      {rcpt, Stage::rcpt, "sending RCPT TO", "RCPT TO command", &S::on_rcpt},
      {data, Stage::data, "sending DATA command", "DATA command", &S::on_data},
      {content, Stage::end_of_data, "sending message body", "end of DATA command", &S::on_final},
      {final_reply, Stage::end_of_data, "sending end of data -- message may be sent more than once",
       "end of DATA command", &S::on_final},
      {quit, Stage::end_of_data, "sending QUIT", "QUIT command", &S::on_quit},
      {closed, Stage::end_of_data, "sending QUIT", "nothing", &S::on_unexpected},
  }};
  const Row& found = kRows[static_cast<std::size_t>(phase)];
  WAYPOST_ASSERT(found.phase == phase);
  return found;
}

std::string_view ClientSession::command_of(Phase phase) { return row(phase).command; }

ClientSession::ClientSession(ClientSessionSettings settings)
    : settings_(std::move(settings)), secure_(settings_.immediate_tls) {}

ClientSession::Action ClientSession::on_reply(const ServerReply& reply) {
  if (reply.malformed != ServerReply::Malformed::no) return on_malformed(reply);
  if (reply.closes()) closing_ = true;
  return (this->*row(phase_).handle)(reply);
}

ClientSession::Action ClientSession::on_lost_connection() {
  return fail_broken(ClientFailure::Cause::lost_connection, "lost connection with {} while {}");
}

ClientSession::Action ClientSession::on_timeout() {
  return fail_broken(ClientFailure::Cause::timed_out, "conversation with {} timed out while {}");
}

ClientSession::Action ClientSession::fail_broken(ClientFailure::Cause cause, std::string_view what) {
  const Row& now = row(phase_);
  ClientFailure failure;
  failure.stage = now.stage;
  failure.cause = cause;
  failure.text = fmt::format(fmt::runtime(what), settings_.peer, now.doing);
  return fail_session(std::move(failure));
}

// A connection that answers out of step cannot be trusted with mail: nobody knows which reply is whose.
ClientSession::Action ClientSession::on_malformed(const ServerReply& reply) {
  constexpr std::size_t kShown = 200;
  const Row& now = row(phase_);
  ClientFailure failure;
  failure.stage = now.stage;
  failure.cause = ClientFailure::Cause::temporary;
  failure.dsn = "4.5.0";  // RFC 3463 §3.6: other protocol status
  failure.reply = reply.joined().substr(0, kShown);
  failure.text = fmt::format("protocol error: host {} sent what is no SMTP reply: {} (in reply to {})", settings_.peer,
                             failure.reply, now.command);
  return fail_session(std::move(failure));
}

ClientSession::Action ClientSession::on_unexpected(const ServerReply& reply) { return on_malformed(reply); }

void ClientSession::output_sent() {
  if (output_is_secret_) {
    volatile char* bytes = output_.data();
    for (std::size_t i = 0; i < output_.size(); ++i) bytes[i] = '\0';
  }
  output_is_secret_ = false;
  output_.clear();
}

ClientSession::Action ClientSession::send(Phase phase, std::string_view line) {
  output_.append(line).append("\r\n");
  phase_ = phase;
  return Action::write;
}

ClientFailure ClientSession::from_reply(const ServerReply& reply, ClientStage stage, std::string_view command) const {
  ClientFailure failure;
  failure.stage = stage;
  failure.code = reply.code;
  failure.dsn = reply.dsn;
  failure.reply = reply.joined();
  failure.text = fmt::format("host {} said: {} (in reply to {})", settings_.peer, failure.reply, command);
  return failure;
}

// Ends the session; within a transaction what it has failed with already stands.
ClientSession::Action ClientSession::fail_session(ClientFailure failure) {
  const bool was_transaction = in_transaction();
  const bool was_quitting = phase_ == Phase::quit || phase_ == Phase::closed;
  phase_ = Phase::closed;
  output_sent();
  if (was_quitting) return Action::closed;
  if (!was_transaction || !failure_) failure_ = std::move(failure);
  return was_transaction ? Action::done : Action::failed;
}

ClientSession::Action ClientSession::refused_to_talk(const ServerReply& reply, ClientStage stage) {
  auto failure = from_reply(reply, stage, {});
  failure.text = fmt::format("host {} refused to talk to me: {}", settings_.peer, failure.reply);
  return fail_session(std::move(failure));
}

bool ClientSession::is_own_name(std::string_view name) const {
  return !settings_.own_name.empty() && iequals(name, settings_.own_name);
}

ClientSession::Action ClientSession::on_greeting(const ServerReply& reply) {
  if (!reply.positive()) return refused_to_talk(reply, ClientStage::greeting);
  const auto words = split(after_code(reply), " \t\n");
  if (!words.empty() && is_own_name(words[0])) {
    warnings_.push_back(
        fmt::format("host {} greeted me with my own hostname {}", settings_.peer_port, settings_.own_name));
  }
  if (is_lmtp()) return say_hello(Phase::lhlo, "LHLO");
  for (const auto word : words) greeted_esmtp_ = greeted_esmtp_ || iequals(word, "ESMTP");
  const bool ehlo = settings_.hello == ClientSessionSettings::Hello::ehlo ||
                    (settings_.hello == ClientSessionSettings::Hello::ehlo_if_greeted_so && greeted_esmtp_);
  return ehlo ? say_hello(Phase::ehlo, "EHLO") : say_hello(Phase::helo, "HELO");
}

ClientSession::Action ClientSession::say_hello(Phase phase, std::string_view verb) {
  return send(phase, fmt::format("{} {}", verb, settings_.helo_name));
}

ClientSession::Action ClientSession::on_ehlo(const ServerReply& reply) {
  if (reply.positive()) {
    features_ = parse_ehlo(reply.text, settings_.discard);
    return after_hello();
  }
  if (reply.closes()) return refused_to_talk(reply, ClientStage::ehlo);
  return say_hello(Phase::helo, "HELO");  // RFC 5321 §3.2: for servers that know no EHLO
}

ClientSession::Action ClientSession::on_helo(const ServerReply& reply) {
  if (!reply.positive()) return refused_to_talk(reply, ClientStage::ehlo);
  const auto first_line = std::string_view(reply.text).substr(0, reply.text.find('\n'));
  features_ = parse_ehlo(first_line);
  return after_hello();
}

// RFC 2033 §4.1: there is no older form of it to fall back to.
ClientSession::Action ClientSession::on_lhlo(const ServerReply& reply) {
  if (!reply.positive()) return refused_to_talk(reply, ClientStage::ehlo);
  features_ = parse_ehlo(reply.text, settings_.discard);
  return after_hello();
}

// The one place where a session goes on in clear, encrypts or gives up.
ClientSession::Action ClientSession::after_hello() {
  using Tls = ClientSessionSettings::Tls;
  if (is_own_name(features_.host)) {
    warnings_.push_back(
        fmt::format("host {} replied to HELO/EHLO with my own hostname {}", settings_.peer_port, settings_.own_name));
    ClientFailure loop;
    loop.stage = ClientStage::loop;
    loop.cause = settings_.best_mx ? ClientFailure::Cause::permanent : ClientFailure::Cause::temporary;
    loop.dsn = settings_.best_mx ? "5.4.6" : "4.4.6";
    loop.text = fmt::format("mail for {} loops back to myself", settings_.nexthop);
    return fail_session(std::move(loop));
  }
  if (!features_.bad_size.empty()) {
    warnings_.push_back(fmt::format("bad EHLO SIZE limit \"{}\" from {}", features_.bad_size, settings_.peer_port));
  }
  if (!secure_ && settings_.tls != Tls::none) {
    if (features_.starttls) return send(Phase::starttls, "STARTTLS");
    if (settings_.tls == Tls::required) {
      return on_tls_failed(ClientStage::starttls, "4.7.4",
                           fmt::format("TLS is required, but was not offered by host {}", settings_.peer));
    }
  }
  return after_tls_decision();
}

ClientSession::Action ClientSession::after_tls_decision() {
  const bool authenticate = settings_.use_auth && features_.auth;
  phase_ = authenticate ? Phase::auth : Phase::ready;
  return authenticate ? Action::authenticate : Action::ready;
}

ClientSession::Action ClientSession::on_starttls(const ServerReply& reply) {
  if (reply.positive()) {
    phase_ = Phase::tls;
    return Action::start_tls;
  }
  if (reply.closes()) return refused_to_talk(reply, ClientStage::starttls);
  if (settings_.tls == ClientSessionSettings::Tls::required) {
    auto failure = from_reply(reply, ClientStage::starttls, {});
    failure.text = fmt::format("TLS is required, but host {} refused to start TLS: {}", settings_.peer, failure.reply);
    return fail_session(std::move(failure));
  }
  return after_tls_decision();
}

ClientSession::Action ClientSession::on_tls() {
  WAYPOST_ASSERT(phase_ == Phase::tls);
  secure_ = true;
  features_ = {};  // RFC 3207 §4.2: nothing that was learned in clear counts
  if (is_lmtp()) return say_hello(Phase::lhlo, "LHLO");
  return say_hello(Phase::ehlo, "EHLO");
}

ClientSession::Action ClientSession::on_tls_failed(ClientStage stage, std::string dsn, std::string text) {
  ClientFailure failure;
  failure.stage = stage;
  failure.cause = ClientFailure::Cause::temporary;
  failure.dsn = std::move(dsn);
  failure.text = std::move(text);
  return fail_session(std::move(failure));
}

ClientSession::Action ClientSession::auth_begin(std::string_view mechanism, std::optional<std::string_view> initial) {
  WAYPOST_ASSERT(phase_ == Phase::auth);
  std::string line = fmt::format("AUTH {}", mechanism);
  if (initial) {
    // RFC 4954 §4: a response of no bytes is written "=".
    const std::string encoded = initial->empty() ? "=" : base64_encode(*initial);
    constexpr std::size_t kBlankAndLineEnd = 3;
    if (line.size() + encoded.size() + kBlankAndLineEnd <= kMaxCommandLineBytes) {
      line.append(" ").append(encoded);
    } else {
      held_response_ = *initial;
    }
  }
  output_is_secret_ = true;
  return send(Phase::auth, line);
}

ClientSession::Action ClientSession::auth_skip() {
  WAYPOST_ASSERT(phase_ == Phase::auth);
  phase_ = Phase::ready;
  return Action::ready;
}

ClientSession::Action ClientSession::auth_fail(std::string_view reason) {
  ClientFailure failure;
  failure.stage = ClientStage::auth;
  failure.cause = ClientFailure::Cause::temporary;
  failure.dsn = "4.7.0";
  failure.text =
      fmt::format("SASL authentication failed; cannot authenticate to server {}: {}", settings_.peer, reason);
  return fail_session(std::move(failure));
}

ClientSession::Action ClientSession::auth_respond(std::string_view response) {
  WAYPOST_ASSERT(phase_ == Phase::auth);
  output_is_secret_ = true;
  return send(Phase::auth, base64_encode(response));
}

ClientSession::Action ClientSession::on_auth(const ServerReply& reply) {
  if (reply.klass() == 3) {
    const auto decoded = base64_decode(trim(after_code(reply)));
    if (!decoded) return auth_fail("malformed challenge");
    challenge_ = *decoded;
    if (held_response_.empty()) return Action::auth_challenge;
    if (!challenge_.empty()) return auth_fail("unexpected challenge");
    const std::string held = std::exchange(held_response_, {});
    return auth_respond(held);
  }
  if (reply.positive()) {
    authenticated_ = true;
    phase_ = Phase::ready;
    return Action::ready;
  }
  auto failure = from_reply(reply, ClientStage::auth, {});
  failure.text = fmt::format("SASL authentication failed; server {} said: {}", settings_.peer, failure.reply);
  return fail_session(std::move(failure));
}

ClientSession::Action ClientSession::quit() {
  if (phase_ == Phase::closed) return Action::closed;
  return send(Phase::quit, "QUIT");
}

ClientSession::Action ClientSession::on_quit(const ServerReply&) {
  phase_ = Phase::closed;
  return Action::closed;
}

}  // namespace waypost::smtp
