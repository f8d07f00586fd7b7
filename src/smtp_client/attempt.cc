#include "smtp_client/attempt.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "events/events.h"

namespace waypost::smtp_client {

Attempt::Attempt(delivery::Request request, delivery::ReportSink done, std::shared_ptr<const ClientSettings> settings,
                 Log log, const Clock& clock)
    : request_(std::move(request)),
      done_(std::move(done)),
      settings_(std::move(settings)),
      log_(std::move(log)),
      clock_(clock),
      pending_(request_.recipients) {
  outcomes_.reserve(pending_.size());
}

Attempt::~Attempt() {
  if (reported_) return;
  last_trouble_ = Trouble{.stage = delivery::Stage::content, .dsn = "4.3.2", .text = "delivery was stopped"};
  last_place_ = {};
  give_up();
  report();
}

delivery::Verdict Attempt::judge(const Trouble& trouble, const Place& place) const {
  auto failure = trouble.failure();
  failure.last_host = place.last_host;
  failure.is_relayhost = place.is_relayhost;
  failure.session_done = session_done_;
  return delivery::judge(failure, settings_->failures);
}

bool Attempt::fail(const Trouble& trouble, const Place& place) {
  const auto verdict = judge(trouble, place);
  remember(trouble, place);
  const bool before_any_session = trouble.stage <= delivery::Stage::connect;
  if (verdict.try_next_host) {
    if (!before_any_session) events::note(log_, request_.envelope->id, trouble.text);
    return true;
  }
  warn_about_relayhost(verdict, place);
  note_health(trouble, verdict);
  if (!connected_) connected_ = clock_.wall();
  for (const auto recipient : std::exchange(pending_, {})) conclude(recipient, trouble, verdict, place);
  return false;
}

void Attempt::remember(const Trouble& trouble, const Place& place) {
  last_trouble_ = trouble;
  last_place_ = place;
  last_place_.connection = nullptr;
}

// Recipients that the server refused by name. True: the connection stays usable.
bool Attempt::settle_refused(const Place& place) {
  bool usable = true;
  for (const auto& [recipient, failure] : place.connection->session().refused()) {
    const Trouble trouble = from_session(failure);
    const auto verdict = judge(trouble, place);
    usable = usable && !verdict.close_session;
    std::erase(pending_, recipient);
    if (verdict.try_next_host) {
      events::note(log_, request_.envelope->id, trouble.text);
      remember(trouble, place);
      put_off_.push_back(recipient);
    } else {
      conclude(recipient, trouble, verdict, place);
    }
  }
  return usable;
}

bool Attempt::settle(const Place& place) {
  const auto& session = place.connection->session();
  bool usable = settle_refused(place) && session.usable();
  for (const auto& delivered : session.delivered()) {
    std::erase(pending_, delivered.recipient);
    conclude_sent(delivered.recipient, {delivered.dsn, delivered.reply}, place);
  }
  if (session.failure()) {
    const Trouble trouble = from_session(*session.failure());
    usable = usable && !judge(trouble, place).close_session;
    fail(trouble, place);
  } else if (!session.final_reply().empty()) {
    for (const auto recipient : std::exchange(pending_, {})) {
      conclude_sent(recipient, {session.final_dsn(), session.final_reply()}, place);
    }
  }
  session_done_ = session_done_ || session.phase() == smtp::ClientSession::Phase::ready;
  pending_.insert(pending_.end(), put_off_.begin(), put_off_.end());
  put_off_.clear();
  return usable;
}

void Attempt::give_up() {
  if (pending_.empty()) return;
  const Trouble trouble = last_trouble_.value_or(Trouble{
      .stage = delivery::Stage::content, .dsn = "4.3.0", .text = "server unavailable or unable to receive mail"});
  Place place = last_place_;
  place.last_host = true;
  fail(trouble, place);
}

void Attempt::warn_about_relayhost(const delivery::Verdict& verdict, const Place& place) {
  if (verdict.relayhost_problem && place.is_relayhost) log_.warning("relayhost configuration problem");
}

void Attempt::note_health(const Trouble& trouble, const delivery::Verdict& verdict) {
  if (!verdict.site_failure) return;
  health_ = delivery::LaneHealth::site_failure;
  health_dsn_ = verdict.dsn;
  health_text_ = trouble.text;
}

void Attempt::conclude(std::uint32_t recipient, const Trouble& trouble, const delivery::Verdict& verdict,
                       const Place& place) {
  delivery::Outcome outcome;
  outcome.recipient = recipient;
  outcome.status = verdict.status;
  outcome.dsn = verdict.dsn;
  outcome.text = trouble.text;
  outcome.remote_reply = trouble.reply;
  if (place.connection != nullptr && !trouble.reply.empty()) outcome.remote_mta = place.connection->host;
  record(std::move(outcome), verdict.word, place);
}

void Attempt::conclude_sent(std::uint32_t recipient, const Acceptance& acceptance, const Place& place) {
  delivery::Outcome outcome;
  outcome.recipient = recipient;
  outcome.status = delivery::Status::sent;
  if (place.connection->session().features().dsn) {
    outcome.handover = delivery::Handover::passed_on;
  } else if (settings_->final_delivery) {
    outcome.handover = delivery::Handover::delivered;
  }
  outcome.dsn = acceptance.dsn;
  outcome.text = acceptance.reply;
  outcome.remote_mta = place.connection->host;
  outcome.remote_reply = acceptance.reply;
  record(std::move(outcome), "sent", place);
}

void Attempt::record(delivery::Outcome outcome, std::string_view word, const Place& place) {
  const auto& envelope = *request_.envelope;
  events::Delivery event;
  event.id = envelope.id;
  event.recipient = &envelope.recipients.at(outcome.recipient);
  if (place.connection != nullptr) {
    event.relay = place.connection->peer_port;
    event.connection_use = std::max(place.connection->uses, 1U);
  }
  event.times = {.arrival = envelope.arrival,
                 .active = request_.active_since,
                 .started = request_.started,
                 .connected = connected_,
                 .done = clock_.wall()};
  event.dsn = outcome.dsn;
  event.status = word;
  event.text = outcome.text;
  event.delay_decimals = settings_->delay_decimals;
  if (settings_->tls.log_status) event.tls = place.connection != nullptr ? place.connection->tls_status : tls_status_;
  events::delivery(log_, event);
  outcomes_.push_back(std::move(outcome));
}

void Attempt::report() {
  WAYPOST_ASSERT(!reported_ && pending_.empty());
  reported_ = true;
  delivery::Report report;
  report.serial = request_.serial;
  report.outcomes = std::move(outcomes_);
  report.health = health_;
  report.health_dsn = std::move(health_dsn_);
  report.health_text = std::move(health_text_);
  report.affinity = affinity_;
  done_(std::move(report));
}

}  // namespace waypost::smtp_client
