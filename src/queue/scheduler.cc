// The life of a message: in, active, concluded, deferred or gone.
#include "queue/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "events/events.h"

namespace waypost::queue {

namespace {

std::uint32_t seconds_of(std::chrono::seconds s) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(s.count(), 0, UINT32_MAX));
}

std::uint32_t add_saturated(std::uint32_t a, std::uint32_t b) { return a > UINT32_MAX - b ? UINT32_MAX : a + b; }

}  // namespace

Scheduler::Scheduler(std::shared_ptr<const Settings> settings, Ports& ports, Logs logs, Instant now)
    : settings_(std::move(settings)),
      ports_(ports),
      logs_(std::move(logs)),
      started_s_(to_seconds(now.wall)),
      wheel_(to_seconds(now.wall)) {}

void Scheduler::reconfigure(std::shared_ptr<const Settings> settings) {
  settings_ = std::move(settings);
  for (Transport& transport : transports_) configure(transport);
}

// --- entries and their lists

void Scheduler::reserve(std::size_t messages) { by_id_.reserve(by_id_.size() + messages); }

std::uint32_t Scheduler::new_entry(QueueId id, std::uint64_t size, WallTime arrival) {
  const auto [at, inserted] = by_id_.try_emplace(id, kNone);
  if (!inserted) {
    logs_.qmgr.warning("{}: queued twice, second copy ignored", id.text());
    return kNone;
  }
  const std::uint32_t i = entries_.allocate();
  at->second = i;
  Entry& entry = entries_[i];
  entry.id = id;
  entry.size = size;
  entry.arrival_s = to_seconds(arrival);
  return i;
}

void Scheduler::forget(std::uint32_t entry) {
  by_id_.erase(entries_[entry].id);
  entries_.release(entry);
}

void Scheduler::enlist(std::uint32_t entry, State state) {
  Entry& e = entries_[entry];
  e.state = state;
  if (state == State::incoming) incoming_.push_back(entries_, entry);
  if (state == State::due) due_.push_back(entries_, entry);
  if (state == State::deferred) wheel_.insert(entries_, entry, due_s(e.next_attempt_s));
  if (state == State::held) ++held_;
  if (state == State::loading) ++loading_;
}

void Scheduler::delist(std::uint32_t entry) {
  const State state = entries_[entry].state;
  if (state == State::incoming) incoming_.erase(entries_, entry);
  if (state == State::due) due_.erase(entries_, entry);
  if (state == State::deferred) wheel_.erase(entries_, entry);
  if (state == State::held) --held_;
}

// Postfix looks at deferred mail every queue_run_delay only; an operator who sets it means it.
std::uint32_t Scheduler::due_s(std::uint32_t next_attempt_s) const {
  const std::uint32_t run = seconds_of(settings_->queue_run_delay);
  if (run == 0 || next_attempt_s <= started_s_) return next_attempt_s;
  const std::uint64_t runs = (std::uint64_t{next_attempt_s} - started_s_ + run - 1) / run;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(started_s_ + runs * run, UINT32_MAX));
}

void Scheduler::add_stored(const StoredEntry& stored) {
  const std::uint32_t i = new_entry(stored.id, stored.size, stored.arrival);
  if (i == kNone) return;
  Entry& entry = entries_[i];
  entry.next_attempt_s = to_seconds(stored.next_attempt);
  entry.attempts = static_cast<std::uint16_t>(std::min<std::uint32_t>(stored.attempts, UINT16_MAX));
  entry.set(Entry::kDelayNotified, stored.delay_notified);
  entry.set(Entry::kForceExpire, stored.force_expire);
  if (stored.held) {
    enlist(i, State::held);
  } else if (entry.next_attempt_s > started_s_ && !stored.force_expire) {
    enlist(i, State::deferred);
  } else {
    enlist(i, entry.attempts == 0 ? State::incoming : State::due);
  }
}

// --- into the active queue

bool Scheduler::has_room() const {
  return !stopping_ && std::size_t{messages_.used()} + loading_ < settings_->active_limit;
}

void Scheduler::add(Arrival arrival, Instant now) {
  const std::uint32_t i = new_entry(arrival.envelope->id, arrival.size, arrival.envelope->arrival);
  if (i == kNone) return;
  if (arrival.held) {
    enlist(i, State::held);
    ports_.amend(entries_[i].id, marks(entries_[i]));
    return;
  }
  // Where there is no room only the entry stays in memory. Whoever waits is served whenever room appears (fill_active),
  // so that a fresh message takes nobody's place here.
  if (!has_room()) {
    enlist(i, State::incoming);
    return;
  }
  enter(i, std::move(arrival), {}, now);
}

// Those never tried and those whose time has come take turns, so that neither backlog starves the other.
void Scheduler::fill_active() {
  while (has_room() && loading_ < kMaxLoading && !(incoming_.empty() && due_.empty())) {
    const bool take_due = incoming_.empty() || (due_has_turn_ && !due_.empty());
    due_has_turn_ = !take_due;
    const std::uint32_t i = take_due ? due_.front() : incoming_.front();
    delist(i);
    enlist(i, State::loading);
    ports_.activate(entries_[i].id);
  }
}

void Scheduler::activated(Activation activation, Instant now) {
  WAYPOST_ASSERT(loading_ > 0);
  --loading_;
  const auto found = by_id_.find(activation.id);
  if (found != by_id_.end()) {
    const std::uint32_t i = found->second;
    if (activation.result == Activation::Result::gone) {
      logs_.qmgr.warning("{}: no longer in the spool, forgotten", activation.id.text());
      forget(i);
    } else if (entries_[i].has(Entry::kHold)) {
      entries_[i].set(Entry::kHold, false);
      enlist(i, State::held);
    } else if (activation.result == Activation::Result::unavailable) {
      activation_failed(i, activation.error, now);
    } else if (stopping_) {
      enlist(i, State::due);
    } else {
      enter(i, std::move(activation.arrival), std::move(activation.progress.recipients), now);
    }
  }
  fill_active();
}

void Scheduler::activation_failed(std::uint32_t entry, const std::string& error, Instant now) {
  Entry& e = entries_[entry];
  logs_.qmgr.warning("{}: cannot be made active: {}", e.id.text(), error);
  e.next_attempt_s = add_saturated(to_seconds(now.wall), seconds_of(settings_->minimal_backoff));
  enlist(entry, State::deferred);
}

void Scheduler::enter(std::uint32_t entry, Arrival arrival, std::vector<mail::RecipientProgress> progress,
                      Instant now) {
  const std::uint32_t m = messages_.allocate();
  ActiveMessage& message = messages_[m];
  message.entry = entry;
  message.envelope = std::move(arrival.envelope);
  message.body = std::move(arrival.body);
  message.since = now.wall;
  if (progress.size() == message.envelope->recipients.size()) message.progress = std::move(progress);
  message.finished = static_cast<std::uint32_t>(
      std::ranges::count_if(message.progress, [](const auto& p) { return p.state != mail::RecipientState::pending; }));

  Entry& e = entries_[entry];
  e.state = State::active;
  e.active = m;
  e.set(Entry::kSuspended, false);
  e.size = arrival.size;
  if (e.attempts < UINT16_MAX) ++e.attempts;
  events::active(logs_.qmgr, e.id, message.envelope->sender, e.size, message.envelope->recipients.size());
  if (e.has(Entry::kForceExpire)) {
    add_missing_outcomes(message, "4.4.7", "message has expired");
  } else {
    assign(m, arrival.recipients, now);
  }
  conclude_if_over(m, now);
}

// --- out of it

void Scheduler::finished(delivery::Report report, Instant now) {
  const auto found = flights_.find(report.serial);
  if (found == flights_.end()) return;
  const Flight flight = std::move(found->second);
  flights_.erase(found);
  apply_report(flight, report);
  // The lane is judged while this delivery still counts as under way, as Postfix does.
  judge_lane(flight.lane, report, now);
  --lanes_[flight.lane].busy;
  const std::uint32_t transport = lanes_[flight.lane].transport;
  --transports_[transport].busy;
  pause_transport(transport, now);
  make_ready(flight.lane);
  run(transport, now);
  free_lane_if_unused(flight.lane);

  ActiveMessage& message = messages_[flight.message];
  --message.in_flight;
  if (message.unrecorded && (message.in_flight > 0 || !message.shares.empty())) record_soon(flight.message, now);
  conclude_if_over(flight.message, now);
}

bool Scheduler::is_expired(const Entry& entry, const ActiveMessage& message, Instant now) const {
  if (settings_->soft_bounce) return false;
  if (entry.has(Entry::kForceExpire)) return true;
  const auto lifetime = message.envelope->sender.empty()
                            ? std::min(settings_->bounce_queue_lifetime, settings_->maximal_queue_lifetime)
                            : settings_->maximal_queue_lifetime;
  return std::int64_t{to_seconds(now.wall)} - entry.arrival_s >= lifetime.count();
}

void Scheduler::expire_outcomes(std::uint32_t message) {
  ActiveMessage& m = messages_[message];
  const Entry& entry = entries_[m.entry];
  events::expired(logs_.qmgr, entry.id, m.envelope->sender, entry.has(Entry::kForceExpire));
  for (delivery::Outcome& outcome : m.outcomes) outcome.status = delivery::Status::bounced;
}

void Scheduler::conclude_if_over(std::uint32_t message, Instant now) {
  ActiveMessage& m = messages_[message];
  if (m.in_flight > 0 || !m.shares.empty() || m.notifying) return;
  if (m.entry == kNone) {
    leave(message);
    return;
  }
  if (report_success(m)) return;
  const Entry& entry = entries_[m.entry];
  const auto deferred = [](const delivery::Outcome& o) { return o.status == delivery::Status::deferred; };
  const auto bounced = [](const delivery::Outcome& o) { return o.status == delivery::Status::bounced; };
  if (!entry.has(Entry::kHold) && std::ranges::any_of(m.outcomes, deferred) && is_expired(entry, m, now)) {
    expire_outcomes(message);
  }
  if (std::ranges::any_of(m.outcomes, bounced)) {
    bounce(message);
  } else {
    settle(message, now);
  }
}

void Scheduler::bounce(std::uint32_t message) {
  ActiveMessage& m = messages_[message];
  m.notifying = true;
  ++notifying_;
  NoticeRequest request{.envelope = m.envelope, .body = m.body, .size = entries_[m.entry].size};
  std::ranges::copy_if(m.outcomes, std::back_inserter(request.outcomes),
                       [](const delivery::Outcome& o) { return o.status == delivery::Status::bounced; });
  ports_.notify(std::move(request));
}

void Scheduler::notified(QueueId id, bool ok, Instant now) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || entries_[found->second].active == kNone) return;
  const std::uint32_t i = entries_[found->second].active;
  ActiveMessage& m = messages_[i];
  if (!m.notifying) return;
  m.notifying = false;
  --notifying_;
  if (std::exchange(m.of_success, false)) {
    if (!ok) logs_.qmgr.warning("{}: the notice of success to its sender could not be queued", id.text());
    conclude_if_over(i, now);
    return;
  }
  if (!ok) logs_.qmgr.warning("{}: the notice to its sender could not be queued, tried again later", id.text());
  for (delivery::Outcome& outcome : m.outcomes) {
    if (outcome.status != delivery::Status::bounced) continue;
    // Without its notice a bounced recipient is not finished: it is tried again, nothing gets lost in silence.
    if (!ok) {
      outcome.status = delivery::Status::deferred;
      continue;
    }
    progress_of(m, outcome.recipient).state = mail::RecipientState::bounced;
    ++m.finished;
  }
  settle(i, now);
}

void Scheduler::settle(std::uint32_t message, Instant now) {
  const ActiveMessage& m = messages_[message];
  const std::uint32_t entry = m.entry;
  if (m.finished >= m.envelope->recipients.size()) {
    events::removed(logs_.qmgr, entries_[entry].id);
    ports_.remove(entries_[entry].id);
    forget(entry);
  } else {
    postpone(message, now);
  }
  leave(message);
}

void Scheduler::postpone(std::uint32_t message, Instant now) {
  ActiveMessage& m = messages_[message];
  Entry& e = entries_[m.entry];
  const std::uint32_t now_s = to_seconds(now.wall);
  const std::uint32_t age = now_s > e.arrival_s ? now_s - e.arrival_s : 0;
  const std::uint32_t minimal = seconds_of(settings_->minimal_backoff);
  const std::uint32_t maximal = std::max(minimal, seconds_of(settings_->maximal_backoff));
  e.next_attempt_s = add_saturated(now_s, std::clamp(age, minimal, maximal));
  e.active = kNone;
  e.set(Entry::kFlush, false);
  warn_of_delay(m, e, now);
  enlist(m.entry, e.has(Entry::kHold) ? State::held : State::deferred);
  record(message);
  e.set(Entry::kHold, false);
}

void Scheduler::warn_of_delay(ActiveMessage& message, Entry& entry, Instant now) {
  const auto after = settings_->delay_warning_time;
  if (after.count() == 0 || entry.has(Entry::kDelayNotified) || message.envelope->sender.empty()) return;
  if (std::int64_t{to_seconds(now.wall)} - entry.arrival_s < after.count()) return;
  if (message.outcomes.empty()) return;
  entry.set(Entry::kDelayNotified, true);
  ports_.notify({.kind = NoticeRequest::Kind::delay,
                 .envelope = message.envelope,
                 .body = message.body,
                 .size = entry.size,
                 .outcomes = message.outcomes});
}

void Scheduler::leave(std::uint32_t message) {
  messages_.release(message);
  fill_active();
}

// --- time

void Scheduler::advance(Instant now) {
  wheel_.advance(entries_, to_seconds(now.wall), [this](std::uint32_t i) { enlist(i, State::due); });
  while (!timers_.empty() && timers_.top().at <= now.mono) {
    const Timer timer = timers_.top();
    timers_.pop();
    fire(timer, now);
  }
  fill_active();
}

std::optional<Duration> Scheduler::next_wake(Instant now) const {
  std::optional<Duration> wait;
  if (const auto s = wheel_.next_s()) wait = std::max(Duration{0}, from_seconds(*s) - now.wall);
  if (!timers_.empty()) {
    const auto until = std::max(MonoTime::duration{0}, timers_.top().at - now.mono);
    const auto rounded = std::chrono::ceil<Duration>(until);
    wait = wait ? std::min(*wait, rounded) : rounded;
  }
  return wait;
}

void Scheduler::stop_handing_out() { stopping_ = true; }

void Scheduler::record_unrecorded() {
  for (std::uint32_t i = 0; i < messages_.end(); ++i) {
    if (messages_[i].envelope != nullptr && messages_[i].unrecorded) record(i);
  }
}

}  // namespace waypost::queue
