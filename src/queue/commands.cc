// What operators do to the queue, and what they see of it.
#include <fmt/format.h>

#include "queue/scheduler.h"

namespace waypost::queue {

std::string_view reason_text(Reason reason) {
  switch (reason) {
    case Reason::none:
      return "being delivered";
    case Reason::window_full:
      return "destination concurrency is used up";
    case Reason::process_limit:
      return "transport process limit is used up";
    case Reason::rate_delay:
      return "rate delay";
    case Reason::turn:
      return "other messages go first";
    case Reason::back_off:
      return "waits for its next attempt";
    case Reason::dead_destination:
      return "destination is suspended";
    case Reason::held:
      return "held";
    case Reason::active_limit:
      return "active queue is full";
    case Reason::loading:
      return "being loaded and routed";
    case Reason::notice:
      return "its notice is being queued";
    case Reason::stopping:
      return "mail system is stopping";
  }
  return "";
}

Answer Scheduler::command(Action action, QueueId id, Instant now) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return Answer::not_found;
  const Answer answer = apply_action(action, found->second, now);
  fill_active();
  return answer;
}

std::size_t Scheduler::command_all(Action action, Instant now) {
  if (action == Action::flush) revive_all_lanes(now);
  std::size_t done = 0;
  for (std::uint32_t i = 0; i < entries_.end(); ++i) {
    if (entries_[i].id && apply_action(action, i, now) == Answer::done) ++done;
  }
  fill_active();
  return done;
}

Answer Scheduler::apply_action(Action action, std::uint32_t entry, Instant now) {
  switch (action) {
    case Action::flush:
      return flush(entry);
    case Action::hold:
      return hold(entry, now);
    case Action::release:
      return release(entry);
    case Action::remove:
      return remove(entry);
    case Action::requeue:
      return requeue(entry);
    case Action::expire:
      return expire(entry, now);
  }
  return Answer::unchanged;
}

Answer Scheduler::flush(std::uint32_t entry) {
  Entry& e = entries_[entry];
  if (e.state == State::active || e.state == State::held) return Answer::unchanged;
  e.set(Entry::kFlush, true);
  if (e.state == State::deferred) {
    delist(entry);
    enlist(entry, State::due);
  }
  return Answer::done;
}

Answer Scheduler::hold(std::uint32_t entry, Instant now) {
  Entry& e = entries_[entry];
  if (e.state == State::held || e.has(Entry::kHold)) return Answer::unchanged;
  if (e.state == State::active || e.state == State::loading) {
    e.set(Entry::kHold, true);  // obeyed when the attempts under way have ended, or when it has been loaded
  } else {
    delist(entry);
    enlist(entry, State::held);
  }
  ports_.amend(e.id, marks(e));
  if (e.state == State::active) {
    const std::uint32_t message = e.active;
    withdraw_all(message);
    conclude_if_over(message, now);
  }
  return Answer::done;
}

Answer Scheduler::release(std::uint32_t entry) {
  Entry& e = entries_[entry];
  if (e.state != State::held && !e.has(Entry::kHold)) return Answer::unchanged;
  e.set(Entry::kHold, false);
  if (e.state == State::held) {
    e.next_attempt_s = 0;
    delist(entry);
    enlist(entry, State::due);
  }
  ports_.amend(e.id, marks(e));
  return Answer::done;
}

Answer Scheduler::remove(std::uint32_t entry) {
  const Entry& e = entries_[entry];
  const std::uint32_t message = e.active;
  const QueueId id = e.id;
  delist(entry);
  forget(entry);
  ports_.remove(id);
  if (message == kNone) return Answer::done;
  withdraw_all(message);
  ActiveMessage& m = messages_[message];
  m.entry = kNone;
  m.record_timer = 0;
  m.unrecorded = false;
  if (m.notifying) --notifying_;
  if (m.in_flight == 0) messages_.release(message);  // else when its deliveries have ended
  return Answer::done;
}

Answer Scheduler::requeue(std::uint32_t entry) {
  Entry& e = entries_[entry];
  if (e.state == State::active || e.state == State::loading) return Answer::unchanged;  // it is routed anew just now
  delist(entry);
  e.next_attempt_s = 0;
  e.set(Entry::kFlush, true);
  enlist(entry, State::due);
  ports_.amend(e.id, marks(e));
  return Answer::done;
}

Answer Scheduler::expire(std::uint32_t entry, Instant now) {
  Entry& e = entries_[entry];
  if (e.has(Entry::kForceExpire)) return Answer::unchanged;
  e.set(Entry::kForceExpire, true);
  if (e.state == State::deferred) {
    delist(entry);
    enlist(entry, State::due);
  }
  ports_.amend(e.id, marks(e));
  if (e.state == State::active && !messages_[e.active].notifying) {
    const std::uint32_t message = e.active;
    for (const std::uint32_t share : std::vector(messages_[message].shares)) expire_share(share);
    conclude_if_over(message, now);
  }
  return Answer::done;
}

// The recipients that still wait in a lane will not be tried any more.
void Scheduler::expire_share(std::uint32_t share) {
  const std::uint32_t lane = shares_[share].lane, message = shares_[share].message;
  const RecipientList recipients(shares_[share].recipients.begin() + shares_[share].taken,
                                 shares_[share].recipients.end());
  withdraw(share);
  free_lane_if_unused(lane);
  for (const std::uint32_t recipient : recipients) {
    apply(messages_[message], {.recipient = recipient, .dsn = "4.4.7", .text = "message has expired"});
  }
}

void Scheduler::revive_all_lanes(Instant now) {
  for (std::uint32_t i = 0; i < lanes_.end() && dead_lanes_ > 0; ++i) {
    if (lanes_[i].transport == kNone || !lanes_[i].concurrency.dead()) continue;
    const std::uint32_t transport = lanes_[i].transport;
    end_pause(i);
    make_ready(i);
    run(transport, now);
    free_lane_if_unused(i);
  }
}

// --- what there is

Counts Scheduler::counts() const {
  return {.incoming = std::uint64_t{incoming_.size()} + due_.size() + loading_,
          .active = messages_.used(),
          .deferred = wheel_.size(),
          .held = held_,
          .in_flight = flights_.size(),
          .lanes = lanes_.used(),
          .dead_lanes = dead_lanes_};
}

Listing Scheduler::list(std::uint32_t from, std::size_t limit) const {
  Listing listing;
  std::uint32_t i = from;
  for (; i < entries_.end() && listing.items.size() < limit; ++i) {
    if (entries_[i].id) listing.items.push_back(describe(entries_[i]));
  }
  if (i < entries_.end()) listing.next = i;
  return listing;
}

std::optional<QueueItem> Scheduler::describe(QueueId id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return describe(entries_[found->second]);
}

QueueItem Scheduler::describe(const Entry& entry) const {
  QueueItem item{.id = entry.id,
                 .state = entry.state,
                 .size = entry.size,
                 .arrival = from_seconds(entry.arrival_s),
                 .attempts = entry.attempts,
                 .force_expire = entry.has(Entry::kForceExpire)};
  switch (entry.state) {
    case State::incoming:
    case State::due:
      item.reason = stopping_ ? Reason::stopping : Reason::active_limit;
      break;
    case State::loading:
      item.reason = Reason::loading;
      break;
    case State::deferred:
      item.reason = entry.has(Entry::kSuspended) ? Reason::dead_destination : Reason::back_off;
      item.until = from_seconds(entry.due_s);
      break;
    case State::held:
      item.reason = Reason::held;
      break;
    case State::active:
      describe_active(messages_[entry.active], item);
      break;
  }
  return item;
}

void Scheduler::describe_active(const ActiveMessage& message, QueueItem& item) const {
  if (message.notifying) item.reason = Reason::notice;
  if (message.notifying || message.in_flight > 0 || message.shares.empty()) return;
  const Lane& lane = lanes_[shares_[message.shares.front()].lane];
  const Transport& transport = transports_[lane.transport];
  item.lane = fmt::format("{}:{}", transport.name, lane.nexthop);
  item.until = lane.paused ? lane.until : transport.timer != 0 ? transport.until : WallTime{};
  if (stopping_) {
    item.reason = Reason::stopping;
  } else if (lane.paused || transport.timer != 0) {
    item.reason = Reason::rate_delay;
  } else if (lane.busy >= lane.concurrency.window()) {
    item.reason = Reason::window_full;
  } else if (transport.settings.process_limit > 0 && transport.busy >= transport.settings.process_limit) {
    item.reason = Reason::process_limit;
  } else {
    item.reason = Reason::turn;
  }
}

}  // namespace waypost::queue
