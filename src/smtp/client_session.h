// The client's side of an SMTP session (RFC 5321), or of an LMTP session (RFC 2033: LHLO, and after the content a reply
// for each accepted recipient), as a pure state machine: the server's replies in, actions out.
// Whoever owns the connection executes the actions; this class knows no socket, no TLS library and no clock.
//
//   Normal order   greeting, EHLO [STARTTLS, EHLO] [AUTH] ready; then, for each transaction, MAIL RCPT... DATA,
//   content,
//                  final reply, ready; at last QUIT.
//   Never          in clear when TLS is required; a transaction after a failure that left the dialogue in an unknown
//                  state; a second try of anything.
//
// Each call gives the next Action. When it is `write`, send output() and call output_sent(); then, and when it is
// `read`, wait for one reply and call on_reply(). Everything that fails ends in a ClientFailure, worded as Postfix
// words it; what it means for the mail is decided elsewhere (delivery/verdict.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mail/envelope.h"
#include "smtp/client_commands.h"
#include "smtp/client_features.h"
#include "smtp/reply_parser.h"

namespace waypost::smtp {

// Commands go out together as long as they fit here, so that neither side can block the other (RFC 2920 §3.1): the
// replies to them fit the smallest socket buffers.
inline constexpr std::size_t kMaxFlightBytes = 8 * 1024;
// RFC 5321 §4.5.3.1.4: a longer AUTH line leaves its initial response for the first challenge (RFC 4954 §4).
inline constexpr std::size_t kMaxCommandLineBytes = 512;

enum class ClientStage : std::uint8_t {
  greeting,
  loop,
  ehlo,
  starttls,
  tls_verify,
  auth,
  size,
  capability,
  mail,
  rcpt,
  data,
  end_of_data,
  content
};

struct ClientFailure {
  enum class Cause : std::uint8_t { reply, lost_connection, timed_out, temporary, permanent };
  ClientStage stage = ClientStage::greeting;
  Cause cause = Cause::reply;
  int code = 0;       // of the reply
  std::string dsn;    // the reply's, or for temporary and permanent our own
  std::string text;   // what is logged: "host H[IP] said: 550 5.1.1 no (in reply to RCPT TO command)"
  std::string reply;  // the server's words on one line; empty when it said nothing
};

struct ClientSessionSettings {
  enum class Tls : std::uint8_t { none, may, required };
  enum class Hello : std::uint8_t { ehlo, ehlo_if_greeted_so, helo, lhlo };

  std::string helo_name;
  std::string peer;       // "mx.example[192.0.2.1]"
  std::string peer_port;  // "mx.example[192.0.2.1]:25"
  Tls tls = Tls::none;
  Hello hello = Hello::ehlo;
  bool immediate_tls = false;        // smtp_tls_wrappermode: TLS has been established before the greeting
  bool use_auth = false;             // smtp_sasl_auth_enable
  std::string own_name;              // a server with this name is ourselves; empty: not looked for
  std::string nexthop;               // for "mail for N loops back to myself"
  bool best_mx = true;               // there is no better host than this one
  std::vector<std::string> discard;  // EHLO keywords to pass over
  bool send_xforward = false;        // whose mail it is, to servers that offer XFORWARD
};

// One message for some of its recipients. What it points to must live until the transaction ended.
struct ClientTransaction {
  const mail::Envelope* envelope = nullptr;
  std::span<const std::uint32_t> recipients;  // indexes into envelope->recipients
  MailOptions parameters;
};

class ClientSession {
 public:
  enum class Action : std::uint8_t {
    read,            // wait for the next reply
    write,           // send output(), then wait for the next reply
    start_tls,       // make the connection secure, then on_tls() or on_tls_failed()
    authenticate,    // auth_begin(), auth_skip() or auth_fail()
    auth_challenge,  // auth_respond() to challenge(), or auth_fail()
    ready,           // begin() or quit()
    send_content,    // send content and end of data, then on_content_sent()
    done,            // the transaction is over: failure(), refused(), final_reply(); go on if usable()
    failed,          // no session: failure() says why; close the connection
    closed,          // after QUIT
  };
  enum class Phase : std::uint8_t {
    greeting,
    ehlo,
    helo,
    lhlo,
    starttls,
    tls,
    auth,
    ready,
    reset,
    xforward,
    mail,
    rcpt,
    data,
    content,
    final_reply,
    quit,
    closed
  };
  struct Refused {
    std::uint32_t recipient = 0;  // index into envelope->recipients
    ClientFailure failure;
  };

  // LMTP: what the server said about a recipient after the content.
  struct Delivered {
    std::uint32_t recipient = 0;  // index into envelope->recipients
    std::string reply, dsn;
  };

  explicit ClientSession(ClientSessionSettings settings);

  // After connecting (and, with immediate_tls, the handshake): reads the greeting.
  Action start() const { return Action::read; }
  Action on_reply(const ServerReply& reply);
  // The connection ended, or a deadline passed, in whatever phase this is. failed, or done during a transaction.
  Action on_lost_connection();
  Action on_timeout();

  Action on_tls();  // encrypted now: EHLO again, RFC 3207 §4.2
  Action on_tls_failed(ClientStage stage, std::string dsn, std::string text);  // our own finding

  // `initial`: the initial response in raw bytes; nullopt when the server speaks first.
  Action auth_begin(std::string_view mechanism, std::optional<std::string_view> initial);
  Action auth_skip();                         // no credentials for this server
  Action auth_fail(std::string_view reason);  // "no mechanism available", ...
  Action auth_respond(std::string_view response);
  std::string_view challenge() const { return challenge_; }  // raw bytes

  // write, or done when the message cannot be sent here at all.
  Action begin(const ClientTransaction& transaction);
  Action on_content_sent();
  // Our copy of the content could not be read: the transaction cannot be ended, the connection must be closed.
  Action on_content_failed();
  // The content cannot be brought into a form that this server takes: permanent; likewise the end of the connection.
  Action on_content_unfit();
  Action quit();

  std::string_view output() const { return output_; }
  void output_sent();

  Phase phase() const { return phase_; }
  const ServerFeatures& features() const { return features_; }
  bool usable() const { return phase_ == Phase::ready; }
  bool authenticated() const { return authenticated_; }

  // Why the session failed, or the transaction for all recipients that are not refused().
  const std::optional<ClientFailure>& failure() const { return failure_; }
  std::span<const Refused> refused() const { return refused_; }
  // LMTP only: recipients that the server has taken. Those it refused at the end are among refused().
  std::span<const Delivered> delivered() const { return delivered_; }
  // SMTP: "250 2.0.0 Ok: queued as X"; set when the transaction had no failure and a recipient was accepted.
  const std::string& final_reply() const { return final_reply_; }
  const std::string& final_dsn() const { return final_dsn_; }
  // Things worth a warning in the log since the last call.
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  Action on_greeting(const ServerReply& reply);
  Action on_ehlo(const ServerReply& reply);
  Action on_helo(const ServerReply& reply);
  Action on_lhlo(const ServerReply& reply);
  Action on_xforward(const ServerReply& reply);
  Action on_recipient_final(const ServerReply& reply);
  Action after_hello();
  Action after_tls_decision();
  Action on_starttls(const ServerReply& reply);
  Action on_auth(const ServerReply& reply);
  Action on_reset(const ServerReply& reply);
  Action on_mail(const ServerReply& reply);
  Action on_rcpt(const ServerReply& reply);
  Action on_data(const ServerReply& reply);
  Action on_final(const ServerReply& reply);
  Action on_quit(const ServerReply& reply);
  Action on_unexpected(const ServerReply& reply);
  Action on_malformed(const ServerReply& reply);

  Action say_hello(Phase phase, std::string_view verb);
  Action send(Phase phase, std::string_view line);
  Action send_flight();
  Action next_reply();
  Phase awaited() const;
  std::size_t accepted() const { return answered_ - refused_.size(); }
  Action end_transaction(bool clean);
  Action fail_session(ClientFailure failure);
  Action refused_to_talk(const ServerReply& reply, ClientStage stage);
  Action fail_broken(ClientFailure::Cause cause, std::string_view what);
  ClientFailure from_reply(const ServerReply& reply, ClientStage stage, std::string_view command) const;
  std::optional<ClientFailure> obstacle(const ClientTransaction& transaction) const;
  bool in_transaction() const { return phase_ >= Phase::reset && phase_ <= Phase::final_reply; }
  bool is_own_name(std::string_view name) const;
  bool is_lmtp() const { return settings_.hello == ClientSessionSettings::Hello::lhlo; }
  void append_transaction_start();

  struct Row;
  static const Row& row(Phase phase);
  static std::string_view command_of(Phase phase);

  ClientSessionSettings settings_;
  ServerFeatures features_;
  Phase phase_ = Phase::greeting;
  std::string output_;
  bool output_is_secret_ = false;
  bool secure_ = false;
  bool greeted_esmtp_ = false;
  bool authenticated_ = false;
  bool needs_reset_ = false;  // the last transaction did not end with its final reply
  bool closing_ = false;      // the server said 421
  std::string challenge_;
  std::string held_response_;  // an initial response that did not fit the AUTH line

  ClientTransaction transaction_;
  std::size_t sent_ = 0;               // recipients whose RCPT went out
  std::size_t answered_ = 0;           // ... and was answered
  std::vector<std::string> xforward_;  // commands to come before MAIL
  std::size_t xforward_sent_ = 0, xforward_answered_ = 0, final_answered_ = 0;
  std::vector<std::uint32_t> accepted_;  // LMTP: recipients that await their final reply
  bool mail_sent_ = false, data_sent_ = false;
  bool reset_due_ = false, mail_due_ = false, data_due_ = false;  // replies that are still to come
  bool abandoned_ = false;  // the content is replaced by nothing, for a server that said 354 to nobody's mail

  std::optional<ClientFailure> failure_;
  std::vector<Refused> refused_;
  std::vector<Delivered> delivered_;
  std::string final_reply_, final_dsn_;
  std::vector<std::string> warnings_;
};

}  // namespace waypost::smtp
