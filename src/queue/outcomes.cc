// What deliveries report about recipients, and what of it the spool is told.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "events/events.h"
#include "queue/scheduler.h"

namespace waypost::queue {

mail::RecipientProgress& Scheduler::progress_of(ActiveMessage& message, std::uint32_t recipient) {
  if (message.progress.empty()) message.progress.resize(message.envelope->recipients.size());
  return message.progress[recipient];
}

// Whether the sender is to be told (RFC 3461 §5.2.4, confirm_delay_cleared); nearly never.
void Scheduler::note_success(ActiveMessage& message, delivery::Outcome outcome) const {
  const auto notify = message.envelope->recipients[outcome.recipient].notify;
  if ((notify & mail::Notify::kSuccess) != 0) {
    if (outcome.handover != delivery::Handover::passed_on) message.successes.push_back(std::move(outcome));
    return;
  }
  const bool wants_delays = notify == mail::Notify::kNoneGiven || (notify & mail::Notify::kDelay) != 0;
  if (settings_->confirm_delay_cleared && wants_delays && entries_[message.entry].has(Entry::kDelayNotified)) {
    message.cleared.push_back(std::move(outcome));
  }
}

// True when a notice is on its way: the message stays as it is until that is queued, since the notice quotes it.
bool Scheduler::report_success(ActiveMessage& message) {
  const bool asked_for = !message.successes.empty();
  auto& outcomes = asked_for ? message.successes : message.cleared;
  if (outcomes.empty()) return false;
  message.notifying = message.of_success = true;
  ++notifying_;
  ports_.notify({.kind = asked_for ? NoticeRequest::Kind::success : NoticeRequest::Kind::delay_cleared,
                 .envelope = message.envelope,
                 .body = message.body,
                 .size = entries_[message.entry].size,
                 .outcomes = std::exchange(outcomes, {})});
  return true;
}

void Scheduler::apply(ActiveMessage& message, delivery::Outcome outcome) {
  mail::RecipientProgress& progress = progress_of(message, outcome.recipient);
  if (outcome.status == delivery::Status::sent) {
    progress = {.state = mail::RecipientState::sent};
    ++message.finished;
    message.unrecorded = true;
    note_success(message, std::move(outcome));
    return;
  }
  progress.dsn = outcome.dsn;
  progress.reason = outcome.text;
  message.outcomes.push_back(std::move(outcome));
}

// Takes the first outcome of each recipient of the flight; a recipient without one is deferred.
void Scheduler::apply_report(const Flight& flight, delivery::Report& report) {
  ActiveMessage& message = messages_[flight.message];
  if (message.entry == kNone) return;
  RecipientList asked = flight.recipients;
  std::ranges::sort(asked);
  std::vector<bool> answered(asked.size());
  for (delivery::Outcome& outcome : report.outcomes) {
    const auto at = std::ranges::lower_bound(asked, outcome.recipient);
    if (at == asked.end() || *at != outcome.recipient) continue;
    const auto position = static_cast<std::size_t>(at - asked.begin());
    if (answered[position]) continue;
    answered[position] = true;
    apply(message, std::move(outcome));
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!answered[i]) apply(message, {.recipient = asked[i], .dsn = "4.3.0", .text = "unknown mail transport error"});
  }
}

// Every recipient that is neither finished nor has an outcome of this round gets its last known reason, or `text`.
void Scheduler::add_missing_outcomes(ActiveMessage& message, std::string_view dsn, std::string_view text) {
  std::vector<bool> known(message.envelope->recipients.size());
  for (const delivery::Outcome& outcome : message.outcomes) known[outcome.recipient] = true;
  for (std::uint32_t i = 0; i < known.size(); ++i) {
    const mail::RecipientProgress& progress = progress_of(message, i);
    if (known[i] || progress.state != mail::RecipientState::pending) continue;
    const bool tried = !progress.reason.empty();
    apply(message, {.recipient = i,
                    .dsn = tried ? progress.dsn : std::string(dsn),
                    .text = tried ? progress.reason : std::string(text)});
  }
}

// For a recipient whose lane or transport takes nothing now: deferred and logged as Postfix's retry service does.
void Scheduler::defer_unattempted(std::uint32_t message, std::uint32_t recipient, std::string_view dsn,
                                  std::string_view text, Instant now) {
  ActiveMessage& m = messages_[message];
  events::delivery(logs_.error, {.id = m.envelope->id,
                                 .recipient = &m.envelope->recipients[recipient],
                                 .times = {.arrival = m.envelope->arrival, .active = m.since, .done = now.wall},
                                 .dsn = dsn,
                                 .status = "deferred",
                                 .text = text});
  entries_[m.entry].set(Entry::kSuspended, true);
  apply(m, {.recipient = recipient, .dsn = std::string(dsn), .text = std::string(text)});
}

mail::Progress Scheduler::marks(const Entry& entry) {
  return {.next_attempt = entry.next_attempt_s == 0 ? WallTime{} : from_seconds(entry.next_attempt_s),
          .attempts = entry.attempts,
          .held = entry.state == State::held || entry.has(Entry::kHold),
          .delay_notified = entry.has(Entry::kDelayNotified),
          .force_expire = entry.has(Entry::kForceExpire)};
}

void Scheduler::record(std::uint32_t message) {
  ActiveMessage& m = messages_[message];
  m.unrecorded = false;
  m.record_timer = 0;
  mail::Progress progress = marks(entries_[m.entry]);
  progress.recipients = m.progress;
  ports_.record(entries_[m.entry].id, std::move(progress));
}

// While other deliveries of the message go on. Each record holds all recipients: with many of them, few records.
void Scheduler::record_soon(std::uint32_t message, Instant now) {
  ActiveMessage& m = messages_[message];
  if (m.entry == kNone) return;
  if (m.envelope->recipients.size() <= kRecordAlways) {
    record(message);
  } else if (m.record_timer == 0) {
    m.record_timer = start_timer(TimerKind::record, message, kRecordInterval, now);
  }
}

}  // namespace waypost::queue
