#include "delivery/verdict.h"

#include <array>

#include "base/assert.h"
#include "mail/dsn.h"

namespace waypost::delivery {

namespace {

struct Rule {
  Stage stage;
  std::string_view temporary, permanent;  // codes for our own findings, when the caller names none
  bool about_site;                        // a deferral here condemns the site, not the message
  bool next_host;                         // another host may fare better
};

// One row a stage, in the order of the enum.
constexpr std::array kRules = {
    Rule{Stage::routing, "4.4.4", "5.4.6", true, true},
    Rule{Stage::dns, "4.4.3", "5.4.4", true, true},
    Rule{Stage::connect, "4.4.1", "5.4.1", true, true},
    Rule{Stage::greeting, "4.4.1", "5.4.1", true, true},
    Rule{Stage::ehlo, "4.7.0", "5.7.0", true, true},
    Rule{Stage::starttls, "4.7.4", "5.7.4", true, true},
    Rule{Stage::tls_verify, "4.7.5", "5.7.5", true, true},
    Rule{Stage::tls_policy, "4.7.5", "5.7.5", true, true},
    Rule{Stage::auth, "4.7.0", "5.7.0", true, true},
    Rule{Stage::size, "4.3.4", "5.3.4", false, true},
    Rule{Stage::capability, "4.6.7", "5.6.7", false, true},
    Rule{Stage::mail, "4.5.0", "5.5.0", false, true},
    Rule{Stage::rcpt, "4.5.0", "5.5.0", false, true},
    Rule{Stage::data, "4.5.0", "5.5.0", false, true},
    Rule{Stage::end_of_data, "4.5.0", "5.5.0", false, true},
    // Not the destination's fault, and no other host can read our spool.
    Rule{Stage::content, "4.3.0", "5.3.0", false, false},
};

const Rule& rule_for(Stage stage) {
  const Rule& rule = kRules.at(static_cast<std::size_t>(stage));
  WAYPOST_ASSERT(rule.stage == stage);
  return rule;
}

constexpr std::string_view kLostConnection = "4.4.2";    // RFC 3463 §3.5: bad connection
constexpr std::string_view kRelayhostProblem = "4.3.5";  // RFC 3463 §3.4: system incorrectly configured
constexpr int kServiceClosing = 421;                     // RFC 5321 §3.8

bool broken_connection(Cause cause) { return cause == Cause::lost_connection || cause == Cause::timed_out; }

std::string status_of(const Failure& failure, const Rule& rule) {
  switch (failure.cause) {
    case Cause::reply: {
      const int klass = failure.reply.code / 100;
      return klass == 4 || klass == 5 ? mail::status_for_reply(failure.reply.code, failure.reply.dsn) : "5.5.0";
    }
    case Cause::lost_connection:
    case Cause::timed_out:
      return std::string(kLostConnection);
    case Cause::temporary:
      return mail::with_class(failure.dsn.empty() ? rule.temporary : failure.dsn, 4);
    case Cause::permanent:
      return mail::with_class(failure.dsn.empty() ? rule.permanent : failure.dsn, 5);
  }
  return std::string(rule.temporary);
}

// A 5xx that one host gives for reasons of its own.
bool softened_by_parameter(const Failure& failure, const FailureSettings& settings) {
  if (failure.cause != Cause::reply) return false;
  return (failure.stage == Stage::greeting && settings.skip_5xx_greeting) ||
         (failure.stage == Stage::auth && settings.sasl_auth_soft_bounce);
}

// Whatever is wrong with the one way out is wrong with the configuration: no mail is returned for it.
bool relayhost_at_fault(const Failure& failure) {
  return failure.is_relayhost && (failure.stage == Stage::routing || failure.stage == Stage::dns);
}

bool session_is_over(const Failure& failure, const Rule& rule) {
  if (failure.cause != Cause::reply) return broken_connection(failure.cause) || rule.about_site || !rule.next_host;
  const int klass = failure.reply.code / 100;
  return failure.reply.code == kServiceClosing || (klass != 4 && klass != 5) || rule.about_site;
}

}  // namespace

Verdict judge(const Failure& failure, const FailureSettings& settings) {
  const Rule& rule = rule_for(failure.stage);
  Verdict verdict;
  verdict.dsn = status_of(failure, rule);
  verdict.word = "deferred";
  verdict.close_session = session_is_over(failure, rule);

  bool permanent = verdict.dsn.front() == '5';
  if (permanent && relayhost_at_fault(failure)) {
    verdict.dsn = kRelayhostProblem;
    verdict.relayhost_problem = true;
    permanent = false;
  }
  if (permanent && softened_by_parameter(failure, settings)) permanent = false;

  const bool deferred = !permanent || settings.soft_bounce;
  if (permanent) verdict.word = deferred ? "SOFTBOUNCE" : "bounced";
  verdict.status = deferred ? Status::deferred : Status::bounced;
  verdict.dsn.front() = deferred ? '4' : '5';
  verdict.try_next_host = deferred && !failure.last_host && rule.next_host;
  const bool site_in_trouble = rule.about_site || broken_connection(failure.cause);
  verdict.site_failure = site_in_trouble && deferred && !verdict.try_next_host && !failure.session_done;
  return verdict;
}

}  // namespace waypost::delivery
