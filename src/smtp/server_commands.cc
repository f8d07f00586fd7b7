// What each command checks and does. The table is at the end.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "mail/address.h"
#include "smtp/command_rules.h"

namespace waypost::smtp {
namespace {

constexpr const char* kHelloFirst = "503 5.5.1 Error: send HELO/EHLO first";
constexpr const char* kInTransaction = "503 5.5.1 Error: MAIL transaction in progress";
constexpr const char* kNotAuthorized = "550 5.7.0 Error: insufficient authorization";
constexpr std::size_t kMaxHeloBytes = 1024;

// What must not stand in a Received: header or a log line between <>: Postfix's neuter().
std::string tame_helo(std::string name) {
  name = printable(name, kMaxHeloBytes);
  for (char& c : name) {
    if (std::string_view(" <>()\\\";@").find(c) != std::string_view::npos) c = '?';
  }
  return name;
}

}  // namespace

std::string ServerSession::check_nothing(const Command&) { return {}; }

std::string ServerSession::check_helo(const Command& command) {
  if (command.count < 2) return fmt::format("501 Syntax: {} hostname", verb_name(command.verb));
  candidate_ = tame_helo(command.joined(1));
  return {};
}

std::string ServerSession::check_starttls(const Command& command) {
  if (command.count != 1) return "501 5.5.4 Syntax: STARTTLS";
  if (encrypted_) return "554 5.5.1 Error: TLS already active";
  if (settings_.tls == ServerTls::none || hides(EhloKeywords::kStarttls)) {
    return "502 5.5.1 Error: command not implemented";
  }
  if (!tls_available_) return "454 4.7.0 TLS not available due to local problem";
  return {};
}

std::string ServerSession::check_auth(const Command& command) {
  if (settings_.helo_required && helo_.empty()) return kHelloFirst;
  if (!settings_.auth_enable || hides(EhloKeywords::kAuth)) return "503 5.5.1 Error: authentication not enabled";
  if (in_transaction()) return kInTransaction;
  if (settings_.tls_auth_only && !encrypted_) {
    return "504 5.5.4 Encryption required for requested authentication mechanism";
  }
  if (sasl_mechanisms_.empty()) return "503 5.5.1 Error: authentication not enabled";
  if (!sasl_username_.empty()) return "503 5.5.1 Error: already authenticated";
  if (command.count < 2 || command.count > 3) return "501 5.5.4 Syntax: AUTH mechanism";
  return {};
}

std::string ServerSession::read_candidate(const Command& command, std::size_t word, bool sender, bool utf8) {
  const mail::PathOptions options{.allow_null = sender,
                                  .strict = settings_.strict_envelopes,
                                  .utf8_domain = utf8,
                                  .numeric_domain = settings_.numeric_domain,
                                  .min_user = settings_.min_user};
  const bool balanced = command.unbalanced > word;
  auto address = balanced ? mail::parse_path(command.word(word), options) : std::nullopt;
  if (!address) {
    observer_.illegal_address(verb_name(command.verb), command.word(word));
    return sender ? "501 5.1.7 Bad sender address syntax" : "501 5.1.3 Bad recipient address syntax";
  }
  candidate_ = std::move(*address);
  return {};
}

ParameterSupport ServerSession::parameter_support() const {
  return {.dsn = !hides(EhloKeywords::kDsn), .smtputf8 = settings_.smtputf8 && !hides(EhloKeywords::kSmtputf8)};
}

std::string ServerSession::check_mail(const Command& command) {
  constexpr std::size_t kPath = 2;
  if (settings_.helo_required && helo_.empty()) return kHelloFirst;
  if (in_transaction()) return "503 5.5.1 Error: nested MAIL command";
  if (command.count <= kPath || !iequals(command.word(1), "from:")) return "501 5.5.4 Syntax: MAIL FROM:<address>";
  const auto support = parameter_support();
  const bool utf8 = support.smtputf8 && asks_for_smtputf8(command, kPath + 1);
  if (auto refusal = read_candidate(command, kPath, true, utf8); !refusal.empty()) return refusal;
  const auto parameters = parse_mail_parameters(command, kPath + 1, support);
  if (!parameters) return parameters.error();
  // RFC 1870 §6.1.
  if (settings_.message_size_limit > 0 && parameters->size > settings_.message_size_limit) {
    return "552 5.3.4 Message size exceeds fixed limit";
  }
  candidate_dsn_ = parameters->envid;
  candidate_auth_ = printable(parameters->auth);
  candidate_mail_ = *parameters;
  candidate_mail_.envid = candidate_mail_.auth = {};
  return {};
}

std::string ServerSession::check_rcpt(const Command& command) {
  constexpr std::size_t kPath = 2;
  if (command.count <= kPath || !iequals(command.word(1), "to:")) return "501 5.5.4 Syntax: RCPT TO:<address>";
  if (auto refusal = read_candidate(command, kPath, false, envelope_.smtputf8); !refusal.empty()) return refusal;
  const auto parameters = parse_rcpt_parameters(command, kPath + 1, parameter_support());
  if (!parameters) return parameters.error();
  candidate_dsn_ = parameters->orcpt;
  candidate_notify_ = parameters->notify;
  return {};
}

// With pipelining DATA comes before the client knows that all its recipients were refused: no error of the protocol.
std::string ServerSession::check_data(const Command& command) {
  if (recipients_ == 0) return "554 5.5.1 Error: no valid recipients";
  return command.count == 1 ? "" : "501 5.5.4 Syntax: DATA";
}

std::string ServerSession::check_rset(const Command& command) {
  return command.count == 1 ? "" : "501 5.5.4 Syntax: RSET";
}

std::string ServerSession::check_vrfy(const Command& command) {
  if (settings_.disable_vrfy) return "502 5.5.1 VRFY command is disabled";
  const bool utf8 = parameter_support().smtputf8 && asks_for_smtputf8(command, command.count - 1);
  if (command.count < (utf8 ? 3U : 2U)) {
    return fmt::format("501 5.5.4 Syntax: VRFY address{}", settings_.smtputf8 ? " [SMTPUTF8]" : "");
  }
  Command words = command;
  if (utf8) --words.count;
  const std::string address = words.joined(1);
  Command joined;
  joined.verb = command.verb;
  joined.words[0] = address;
  joined.count = 1;
  candidate_dsn_ = printable(address);  // what the reply repeats
  return read_candidate(joined, 0, false, utf8);
}

std::string ServerSession::check_etrn(const Command& command) {
  if (settings_.helo_required && helo_.empty()) return "503 Error: send HELO/EHLO first";
  if (in_transaction()) return "503 Error: MAIL transaction in progress";
  if (command.count != 2) return "500 Syntax: ETRN domain";
  auto domain = command.word(1);
  if (domain.front() == '@' || domain.front() == '#') domain.remove_prefix(1);
  if (!mail::is_valid_domain(domain)) return "501 Error: invalid parameter syntax";
  candidate_ = domain;
  return {};
}

// RFC 3030 is not announced.
std::string ServerSession::check_bdat(const Command&) { return "502 5.5.1 Error: command not implemented"; }

std::string ServerSession::check_xclient(const Command& command) {
  if (in_transaction()) return kInTransaction;
  if (command.count >= 2 && !may_xclient_) return kNotAuthorized;
  auto attributes = parse_xclient(command);
  if (!attributes) return attributes.error();
  introduced_ = std::move(*attributes);
  return {};
}

std::string ServerSession::check_xforward(const Command& command) {
  if (in_transaction()) return kInTransaction;
  if (command.count >= 2 && !may_xforward_) return kNotAuthorized;
  auto attributes = parse_xforward(command, forwarded_);
  if (!attributes) return attributes.error();
  forwarded_ = std::move(*attributes);
  return {};
}

Action ServerSession::apply_helo(const Command&) { return Action::check_helo; }

// RFC 5321 §4.1.4: EHLO clears what came before as RSET does.
Action ServerSession::accept_helo() {
  helo_ = std::move(candidate_);
  candidate_.clear();
  phase_ = Phase::greeted;
  reset_transaction();
  if (verb_ == Verb::ehlo) {
    esmtp_ = true;
    announce();
  } else {
    // A client that said EHLO once knows pipelining: HELO afterwards does not make it a sin.
    output_.append("250 ").append(settings_.hostname).append("\r\n");
  }
  return finish(true);
}

void ServerSession::announce() {
  if (errors_ >= settings_.soft_error_limit) delay_ += settings_.error_sleep_time;
  std::size_t last = output_.size();
  const auto line = [this, &last](std::string_view keyword, std::string_view argument = {}) {
    last = output_.size();
    output_.append("250-").append(keyword);
    if (!argument.empty()) output_.append(argument);
    output_.append("\r\n");
  };
  line(settings_.hostname);
  if (!hides(EhloKeywords::kPipelining)) line("PIPELINING");
  if (!hides(EhloKeywords::kSize)) {
    const auto limit = settings_.message_size_limit;
    line("SIZE", limit > 0 ? fmt::format(" {}", limit) : std::string());
  }
  if (!hides(EhloKeywords::kVrfy) && !settings_.disable_vrfy) line("VRFY");
  if (!hides(EhloKeywords::kEtrn)) line("ETRN");
  if (!hides(EhloKeywords::kStarttls) && settings_.tls != ServerTls::none && !encrypted_) line("STARTTLS");
  if (offers_auth() && !hides_auth_) {
    line("AUTH ", sasl_mechanisms_);
    if (settings_.broken_auth_clients) line("AUTH=", sasl_mechanisms_);
  }
  if (may_xclient_ && !hides(EhloKeywords::kXclient)) line("XCLIENT ", kXclientAttributes);
  if (may_xforward_ && !hides(EhloKeywords::kXforward)) line("XFORWARD ", kXforwardAttributes);
  if (!hides(EhloKeywords::kEnhancedStatusCodes)) line("ENHANCEDSTATUSCODES");
  if (!hides(EhloKeywords::k8bitmime)) line("8BITMIME");
  if (!hides(EhloKeywords::kDsn)) line("DSN");
  if (parameter_support().smtputf8) line("SMTPUTF8");
  constexpr std::size_t kSeparator = 3;
  output_[last + kSeparator] = ' ';
}

bool ServerSession::offers_auth() const {
  return settings_.auth_enable && !hides(EhloKeywords::kAuth) && !sasl_mechanisms_.empty() &&
         (encrypted_ || !settings_.tls_auth_only);
}

Action ServerSession::apply_starttls(const Command&) { return Action::check_tls; }

Action ServerSession::accept_tls() {
  say("220 2.0.0 Ready to start TLS");
  phase_ = Phase::tls;
  return waiting_for_ = Action::start_tls;
}

Action ServerSession::apply_auth(const Command& command) {
  before_auth_ = phase_;
  sasl_mechanism_ = to_upper(command.word(1));
  has_sasl_response_ = command.count == 3;
  sasl_response_ = command.word(2);
  return Action::sasl_start;
}

Action ServerSession::apply_mail(const Command&) { return Action::check_mail; }

Action ServerSession::accept_mail() {
  envelope_ = {};
  envelope_.arrival = arrival_;
  envelope_.sender = std::move(candidate_);
  candidate_.clear();
  envelope_.dsn_envid = std::move(candidate_dsn_);
  envelope_.dsn_return = candidate_mail_.dsn_return;
  envelope_.encoding = candidate_mail_.body;
  envelope_.smtputf8 = candidate_mail_.smtputf8;
  sasl_sender_ = std::move(candidate_auth_);
  candidate_dsn_.clear();
  candidate_auth_.clear();
  phase_ = Phase::mail;
  say("250 2.1.0 Ok");
  return finish(true);
}

// RFC 5321 §4.5.3.1.10: 452, so that the client sends the rest in another transaction. It counts as an error only when
// a client goes on and on.
Action ServerSession::apply_rcpt(const Command&) {
  const bool full = settings_.recipient_limit > 0 && recipients_ >= settings_.recipient_limit;
  if (!full) return Action::check_rcpt;
  say("452 4.5.3 Error: too many recipients");
  return finish(overshoot_++ < settings_.recipient_overshoot_limit);
}

Action ServerSession::accept_rcpt() {
  envelope_.recipients.push_back({std::move(candidate_), {}, std::move(candidate_dsn_), candidate_notify_});
  candidate_.clear();
  candidate_dsn_.clear();
  ++recipients_;
  phase_ = Phase::rcpt;
  say("250 2.1.5 Ok");
  return finish(true);
}

Action ServerSession::apply_data(const Command&) { return Action::check_data; }

Action ServerSession::apply_rset(const Command&) {
  reset_transaction();
  say("250 2.0.0 Ok");
  return finish(true);
}

Action ServerSession::apply_noop(const Command&) {
  say("250 2.0.0 Ok");
  return finish(true);
}

Action ServerSession::apply_vrfy(const Command&) { return Action::check_vrfy; }

Action ServerSession::apply_etrn(const Command&) { return Action::check_etrn; }

// No domain is in fast_flush_domains here: the answer of Postfix for one that is not.
Action ServerSession::accept_etrn() {
  observer_.etrn_refused(candidate_);
  return fail(fmt::format("459 <{}>: service unavailable", candidate_));
}

Action ServerSession::apply_xclient(const Command&) { return Action::introduce; }

// From here on everything is as if the other client had connected; only TLS stays. XCLIENT itself is never counted as a
// success, since it does not return to the dialogue that it was said in.
Action ServerSession::on_introduced(const Reply* refusal) {
  waiting_for_ = Action::next_line;
  const XclientAttributes with = std::exchange(introduced_, {});
  helo_ = with.helo.value_or("");
  reset_transaction();
  esmtp_ = with.protocol == "ESMTP";
  sasl_username_ = with.login.value_or("");
  sasl_method_ = sasl_username_.empty() ? "" : "XCLIENT";
  access_denied_ = false;
  where_ = "CONNECT";
  return greet(refusal, {});
}

Action ServerSession::apply_xforward(const Command&) {
  say("250 2.0.0 Ok");
  return finish(true);
}

Action ServerSession::apply_quit(const Command&) {
  say("221 2.0.0 Bye");
  finish(true);
  return close(CloseReason::quit);
}

Action ServerSession::apply_help(const Command&) {
  say("214 2.0.0 Commands: AUTH BDAT DATA EHLO ETRN HELO HELP MAIL NOOP QUIT RCPT RSET STARTTLS VRFY XCLIENT XFORWARD");
  return finish(true);
}

const CommandRule& CommandRules::find(Verb verb) {
  using S = ServerSession;
  constexpr auto in = [](auto... phases) { return ((1U << static_cast<unsigned>(phases)) | ...); };
  constexpr std::uint32_t kAny = ~0U;
  constexpr std::uint32_t kInMail = in(S::Phase::mail, S::Phase::rcpt);
  constexpr std::string_view kNeedMail = "503 5.5.1 Error: need MAIL command";
  constexpr std::string_view kNeedRcpt = "503 5.5.1 Error: need RCPT command";
  // In the order of Verb.
  // clang-format off
  static constexpr std::array<CommandRule, kVerbs - 1> kRules = {{
      // verb          phases  otherwise   before_tls ends_group junk   check                    apply
      {Verb::helo,     kAny,    {},        true,  true,  true,  &S::check_helo,         &S::apply_helo},
      {Verb::ehlo,     kAny,    {},        true,  true,  true,  &S::check_helo,         &S::apply_helo},
      {Verb::xclient,  kAny,    {},        true,  false, false, &S::check_xclient,      &S::apply_xclient},
      {Verb::xforward, kAny,    {},        false, false, false, &S::check_xforward,     &S::apply_xforward},
      {Verb::starttls, kAny,    {},        true,  false, false, &S::check_starttls,     &S::apply_starttls},
      {Verb::auth,     kAny,    {},        false, false, false, &S::check_auth,         &S::apply_auth},
      {Verb::mail,     kAny,    {},        false, false, false, &S::check_mail,         &S::apply_mail},
      {Verb::rcpt,     kInMail, kNeedMail, false, false, false, &S::check_rcpt,         &S::apply_rcpt},
      {Verb::data,     kInMail, kNeedRcpt, false, true,  false, &S::check_data,         &S::apply_data},
      {Verb::bdat,     kAny,    {},        false, false, false, &S::check_bdat,         &S::apply_noop},
      {Verb::rset,     kAny,    {},        false, false, true,  &S::check_rset,         &S::apply_rset},
      {Verb::noop,     kAny,    {},        true,  true,  true,  &S::check_nothing,      &S::apply_noop},
      {Verb::vrfy,     kAny,    {},        false, true,  true,  &S::check_vrfy,         &S::apply_vrfy},
      {Verb::etrn,     kAny,    {},        false, false, true,  &S::check_etrn,         &S::apply_etrn},
      {Verb::quit,     kAny,    {},        true,  false, false, &S::check_nothing,      &S::apply_quit},
      {Verb::help,     kAny,    {},        true,  false, false, &S::check_nothing,      &S::apply_help},
  }};
  // clang-format on
  return kRules[static_cast<std::size_t>(verb)];
}

}  // namespace waypost::smtp
