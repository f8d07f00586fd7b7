// The server's side of an SMTP dialogue (RFC 5321), as a pure state machine: command lines and answers in, replies and
// actions out. It knows no socket, no clock and no policy.
//
// The normal order: greet(); then on_line() for every command line. What the session cannot decide by itself it asks
// for with an Action; the driver finds the answer and gives it back with the call named at the Action, before the next
// line. Replies gather in output(); the driver sends them when no further input is pending.
//
//   connected -> greeted (HELO, EHLO) -> mail (MAIL) -> rcpt (RCPT, first accepted) -> content (DATA) -> greeted
//   any but content -> tls -> connected;  connected, greeted -> auth -> back
//
// What never goes back: closed is final; encrypted and authenticated last until the end (a STARTTLS forgets who
// authenticated before it). RSET, HELO, EHLO and the end of a message drop the transaction and nothing else.
//
// A failed check changes nothing but the error count. One thread; no call reenters another.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "mail/envelope.h"
#include "smtp/client_attributes.h"
#include "smtp/esmtp_parameters.h"
#include "smtp/line_reader.h"
#include "smtp/reply.h"
#include "smtp/server_dialogue.h"
#include "smtp/server_settings.h"
#include "smtp/session_counters.h"
#include "smtp/trouble.h"

namespace waypost::smtp {

class ServerSession {
 public:
  // `settings` and `observer` outlive the session.
  ServerSession(const ServerSettings& settings, ServerObserver& observer, ClientIdentity client);

  // Before anything else. `refusal`: what the policy says to this client, null if it may talk. `pending`: what it sent
  // before our greeting; empty in wrapper mode.
  Action greet(const Reply* refusal, std::string_view pending);
  // `behind`: input that is already there behind this line; it tells whether the client waits for our answers.
  Action on_line(const Line& line, std::string_view behind);
  // The answer to a check; null: granted.
  Action on_decision(const Reply* refusal);
  Action on_sasl(const SaslAnswer& answer);
  Action on_auth_refused(const Reply& refusal);
  // Greets again. The driver has set the client (set_client) and what it may do. `refusal` as for greet().
  Action on_introduced(const Reply* refusal);
  Action on_tls(bool established);
  // The end of data came. `refusal`: the content cannot be taken (too big, no space); null: it can.
  Action on_content_end(bool bare_newline, const Reply* refusal);
  Action on_queued(QueueId id);
  Action on_refused(const Reply& refusal);
  // 421 and the end: the driver's own reasons (timeout, shutdown).
  void say_goodbye(const Reply& reply) { say(reply); }

  // The replies that wait to be sent; the driver empties it.
  std::string& output() { return output_; }
  // How long to wait before sending, for a client that makes errors. Asking resets it.
  std::chrono::seconds take_delay() { return std::exchange(delay_, std::chrono::seconds{0}); }
  std::size_t line_limit() const;

  const ClientIdentity& client() const { return client_; }
  void set_client(ClientIdentity client) { client_ = std::move(client); }
  // smtpd_authorized_xclient_hosts, smtpd_authorized_xforward_hosts: whether it may speak for another client.
  void set_trust(bool xclient, bool xforward) { may_xclient_ = xclient, may_xforward_ = xforward; }
  // smtpd_discard_ehlo_keyword_address_maps.
  void set_discarded_keywords(std::uint32_t keywords) { discarded_keywords_ = keywords; }
  // Of the XCLIENT at hand.
  const XclientAttributes& introduced() const { return introduced_; }
  // What XFORWARD said; until the transaction ends.
  const ForwardedClient& forwarded() const { return forwarded_; }
  const std::string& helo_name() const { return helo_; }
  bool has_helo() const { return !helo_.empty(); }
  bool esmtp() const { return esmtp_; }
  // "SMTP" or "ESMTP", as the log and the policy have it.
  std::string_view protocol() const { return esmtp_ ? "ESMTP" : "SMTP"; }
  bool encrypted() const { return encrypted_; }
  CloseReason close_reason() const { return close_reason_; }
  // "CONNECT", a verb, "DATA" while content comes, "END-OF-MESSAGE" after it.
  std::string_view where() const { return where_; }
  bool receiving_content() const { return phase_ == Phase::content; }
  bool authenticating() const { return phase_ == Phase::auth; }

  // The address at hand, internal form: of MAIL, RCPT or VRFY.
  const std::string& candidate() const { return candidate_; }
  // SIZE= of the MAIL at hand; 0: not said.
  std::uint64_t size_said() const { return candidate_mail_.size; }
  // Sender and recipients so far. After take_envelope() the sender and first recipient stay for the log.
  const mail::Envelope& envelope() const { return envelope_; }
  std::size_t recipient_count() const { return recipients_; }
  bool in_transaction() const { return phase_ == Phase::mail || phase_ == Phase::rcpt || phase_ == Phase::content; }
  // The driver sets these two: the arrival before it grants check_mail, the id before it grants the first check_rcpt.
  void set_arrival(WallTime when) { arrival_ = when; }
  void set_queue_id(QueueId id) { envelope_.id = id; }
  mail::Envelope take_envelope();

  const std::string& sasl_mechanism() const { return sasl_mechanism_; }
  // base64 as received; `has_sasl_response` is false when AUTH came without an initial response.
  const std::string& sasl_response() const { return sasl_response_; }
  bool has_sasl_response() const { return has_sasl_response_; }
  const std::string& sasl_username() const { return sasl_username_; }  // empty: not authenticated
  const std::string& sasl_method() const { return sasl_method_; }
  const std::string& sasl_sender() const { return sasl_sender_; }  // AUTH= of MAIL
  // Blank-separated mechanisms to announce; empty: AUTH is not enabled. For plaintext, and again after on_tls().
  void set_sasl_mechanisms(std::string mechanisms) { sasl_mechanisms_ = std::move(mechanisms); }
  // False: STARTTLS is answered 454 (no usable certificate).
  void set_tls_available(bool available) { tls_available_ = available; }
  // Wrapper mode: TLS stands before the greeting.
  void set_encrypted() { encrypted_ = true; }
  // For a client of smtpd_forbid_bare_newline_exclusions: it may end lines, and messages, as it likes.
  void set_bare_newline(BareNewline policy) { bare_newline_ = policy; }
  BareNewline bare_newline_policy() const { return bare_newline_; }
  bool wants_sasl_mechanisms() const { return settings_.auth_enable && (encrypted_ || !settings_.tls_auth_only); }

  // smtpd_sasl_exceptions_networks: this client is not told that it may log in.
  void set_auth_hidden(bool hidden) { hides_auth_ = hidden; }

  // What went wrong so far, as Trouble bits.
  std::uint32_t troubles() const { return troubles_; }
  const SessionCounters& counters() const { return counters_; }
  bool noted_bare_newline() const { return noted_bare_newline_; }

 private:
  friend struct CommandRules;
  enum class Phase : std::uint8_t { connected, greeted, mail, rcpt, content, auth, tls, closed };

  void say(std::string_view line);
  void say(const Reply& reply);
  void punish();
  Action fail(std::string_view line);
  Action refuse(const Reply& reply);
  Action finish(bool success);
  Action close(CloseReason reason);
  Action reject_line(std::string_view line);
  Action on_response(const Line& line);
  Action on_bad_line(const Line& line);
  Action on_unknown(const Command& command, std::string_view line);
  Action dispatch(const Command& command, std::string_view behind);
  bool out_of_step(const Command& command, std::string_view behind);
  bool offers_auth() const;
  bool hides(std::uint32_t keyword) const { return (discarded_keywords_ & keyword) != 0; }
  ParameterSupport parameter_support() const;
  void reset_transaction();

  // One for each command (server_commands.cc). check_*: the refusal, or empty; they change nothing but candidate_*.
  std::string check_nothing(const Command& command);
  std::string check_helo(const Command& command);
  std::string check_starttls(const Command& command);
  std::string check_auth(const Command& command);
  std::string check_mail(const Command& command);
  std::string check_rcpt(const Command& command);
  std::string check_data(const Command& command);
  std::string check_rset(const Command& command);
  std::string check_vrfy(const Command& command);
  std::string check_etrn(const Command& command);
  std::string check_bdat(const Command& command);
  std::string check_xclient(const Command& command);
  std::string check_xforward(const Command& command);
  std::string read_candidate(const Command& command, std::size_t word, bool sender, bool utf8);
  Action apply_helo(const Command& command);
  Action apply_starttls(const Command& command);
  Action apply_auth(const Command& command);
  Action apply_mail(const Command& command);
  Action apply_rcpt(const Command& command);
  Action apply_data(const Command& command);
  Action apply_rset(const Command& command);
  Action apply_noop(const Command& command);
  Action apply_vrfy(const Command& command);
  Action apply_etrn(const Command& command);
  Action apply_xclient(const Command& command);
  Action apply_xforward(const Command& command);
  Action apply_quit(const Command& command);
  Action apply_help(const Command& command);
  Action accept_helo();
  Action accept_mail();
  Action accept_rcpt();
  Action accept_etrn();
  Action accept_tls();
  void announce();

  const ServerSettings& settings_;
  ServerObserver& observer_;
  ClientIdentity client_;
  std::string output_;
  SessionCounters counters_;

  Phase phase_ = Phase::connected;
  Phase before_auth_ = Phase::connected;
  Verb verb_ = Verb::unknown;               // the command that is being answered
  Action waiting_for_ = Action::next_line;  // the check that was asked for
  CloseReason close_reason_ = CloseReason::none;
  std::string_view where_ = "CONNECT";
  BareNewline bare_newline_;
  bool esmtp_ = false;
  bool encrypted_ = false;
  bool tls_available_ = true;
  bool access_denied_ = false;
  bool noted_pipelining_ = false;
  bool noted_bare_newline_ = false;
  bool has_sasl_response_ = false;
  bool may_xclient_ = false, may_xforward_ = false;
  bool hides_auth_ = false;
  std::uint32_t troubles_ = Trouble::kNone;
  std::uint32_t discarded_keywords_;
  std::uint32_t errors_ = 0;
  std::uint32_t junk_commands_ = 0;
  std::uint32_t overshoot_ = 0;  // recipients refused for their number, of this transaction
  std::chrono::seconds delay_{0};

  std::string helo_;
  std::string candidate_;          // what the command at hand names: an address, or the name of HELO
  MailParameters candidate_mail_;  // without its views, which die with the line
  std::uint8_t candidate_notify_ = mail::Notify::kNoneGiven;
  std::string candidate_dsn_;   // ENVID or ORCPT
  std::string candidate_auth_;  // AUTH=
  mail::Envelope envelope_;
  WallTime arrival_{};
  std::size_t recipients_ = 0;
  XclientAttributes introduced_;
  ForwardedClient forwarded_;

  std::string sasl_mechanisms_;
  std::string sasl_mechanism_, sasl_response_;
  std::string sasl_username_, sasl_method_, sasl_sender_;
};

}  // namespace waypost::smtp
