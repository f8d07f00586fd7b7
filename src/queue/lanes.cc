// Lanes: who goes next, how many at once, and when a destination is left alone.
#include <algorithm>

#include "base/assert.h"
#include "base/text.h"
#include "queue/scheduler.h"

namespace waypost::queue {

namespace {

constexpr std::string_view kSuspended = "delivery temporarily suspended: ";

// The recipient as a lane of its own sees it: local part without extension, in lower case.
void append_local_part(std::string& key, std::string_view address, std::string_view delimiters) {
  std::string_view local = address.substr(0, address.rfind('@'));
  if (const auto at = local.find_first_of(delimiters); at != std::string_view::npos && at > 0)
    local = local.substr(0, at);
  for (const char c : local) key += ascii_lower(c);
  key += '@';
}

}  // namespace

void Scheduler::configure(Transport& transport) const {
  transport.settings = settings_->transport(transport.name);
  transport.deferred =
      std::ranges::find(settings_->defer_transports, transport.name) != settings_->defer_transports.end();
  if (transport.settings.destination_rate_delay.count() > 0) {
    transport.settings.initial_destination_concurrency = transport.settings.destination_concurrency_limit = 1;
  }
  const int limit = transport.settings.destination_concurrency_limit;
  int& initial = transport.settings.initial_destination_concurrency;
  if (limit > 0) initial = std::min(initial, limit);
  if (transport.settings.transport_rate_delay.count() > 0) transport.settings.process_limit = 1;
}

std::uint32_t Scheduler::transport_for(const std::string& name) {
  const auto [at, inserted] = transport_by_name_.try_emplace(name, static_cast<std::uint32_t>(transports_.size()));
  if (inserted) {
    transports_.emplace_back().name = name;
    configure(transports_.back());
  }
  return at->second;
}

std::uint32_t Scheduler::lane_for(std::uint32_t transport, const RoutedRecipient& routed,
                                  const mail::Envelope& envelope) {
  const TransportSettings& settings = transports_[transport].settings;
  key_ = transports_[transport].name;
  key_ += '\0';
  if (settings.destination_recipient_limit == 1) {
    append_local_part(key_, envelope.recipients[routed.index].address, settings_->recipient_delimiter);
  }
  for (const char c : routed.nexthop) key_ += ascii_lower(c);
  if (const auto found = lane_by_key_.find(std::string_view(key_)); found != lane_by_key_.end()) return found->second;

  const std::uint32_t i = lanes_.allocate();
  Lane& lane = lanes_[i];
  lane.key = key_;
  lane.nexthop = routed.nexthop;
  lane.transport = transport;
  lane.concurrency = Concurrency(settings);
  lane_by_key_.emplace(key_, i);
  return i;
}

// --- messages into lanes

void Scheduler::assign(std::uint32_t message, std::vector<RoutedRecipient>& recipients, Instant now) {
  ActiveMessage& m = messages_[message];
  const std::uint64_t grouping = next_grouping_++;
  const std::size_t total = m.envelope->recipients.size();
  for (const RoutedRecipient& routed : recipients) {
    const bool open =
        routed.index < total && (m.progress.empty() || m.progress[routed.index].state == mail::RecipientState::pending);
    if (!open) continue;
    const std::uint32_t lane = lane_for(transport_for(routed.transport), routed, *m.envelope);
    if (refused(message, lane, routed.index, now)) {
      free_lane_if_unused(lane);
    } else {
      shares_[share_for(message, lane, grouping)].recipients.push_back(routed.index);
    }
  }
  // run() takes shares out of m.shares: walk over a copy.
  const boost::container::small_vector<std::uint32_t, 4> shares(m.shares.begin(), m.shares.end());
  for (const std::uint32_t share : shares) make_ready(shares_[share].lane);
  for (const std::uint32_t share : shares) {
    if (shares_[share].message == message) run(lanes_[shares_[share].lane].transport, now);
  }
}

// A dead destination and a transport in defer_transports take nothing, unless an operator wants it tried now.
bool Scheduler::refused(std::uint32_t message, std::uint32_t lane, std::uint32_t recipient, Instant now) {
  Lane& l = lanes_[lane];
  if (entries_[messages_[message].entry].has(Entry::kFlush)) {
    if (l.concurrency.dead()) end_pause(lane);
    return false;
  }
  if (transports_[l.transport].deferred) {
    defer_unattempted(message, recipient, "4.3.2", "deferred transport", now);
    return true;
  }
  if (!l.concurrency.dead()) return false;
  defer_unattempted(message, recipient, l.dead_dsn, l.dead_text, now);
  return true;
}

std::uint32_t Scheduler::share_for(std::uint32_t message, std::uint32_t lane, std::uint64_t grouping) {
  Lane& l = lanes_[lane];
  if (l.grouping == grouping) return l.grouping_share;
  const std::uint32_t i = shares_.allocate();
  Share& share = shares_[i];
  share.message = message;
  share.lane = lane;
  share.position = static_cast<std::uint32_t>(messages_[message].shares.size());
  messages_[message].shares.push_back(i);
  l.waiting.push_back(shares_, i);
  l.grouping = grouping;
  l.grouping_share = i;
  return i;
}

void Scheduler::withdraw(std::uint32_t share) {
  const Share& s = shares_[share];
  lanes_[s.lane].waiting.erase(shares_, share);
  std::vector<std::uint32_t>& list = messages_[s.message].shares;
  list[s.position] = list.back();
  shares_[list[s.position]].position = s.position;
  list.pop_back();
  shares_.release(share);
}

void Scheduler::withdraw_all(std::uint32_t message) {
  std::vector<std::uint32_t>& list = messages_[message].shares;
  while (!list.empty()) {
    const std::uint32_t lane = shares_[list.back()].lane;
    withdraw(list.back());
    free_lane_if_unused(lane);
  }
}

// --- lanes into deliveries

bool Scheduler::may_hand_out(const Lane& lane) const {
  return !lane.waiting.empty() && !lane.paused && lane.busy < lane.concurrency.window();
}

void Scheduler::make_ready(std::uint32_t lane) {
  Lane& l = lanes_[lane];
  if (l.ready || !may_hand_out(l)) return;
  l.ready = true;
  transports_[l.transport].ready.push_back(lanes_, lane);
}

void Scheduler::run(std::uint32_t transport, Instant now) {
  const auto may_run = [&](const Transport& t) {
    return !stopping_ && !t.ready.empty() && t.timer == 0 &&
           (t.settings.process_limit == 0 || t.busy < t.settings.process_limit);
  };
  while (may_run(transports_[transport])) {
    const std::uint32_t lane = transports_[transport].ready.pop_front(lanes_);
    lanes_[lane].ready = false;
    if (!may_hand_out(lanes_[lane])) continue;
    hand_out(lane, now);
    make_ready(lane);
  }
}

void Scheduler::hand_out(std::uint32_t lane, Instant now) {
  Lane& l = lanes_[lane];
  Transport& transport = transports_[l.transport];
  const std::uint32_t share = l.waiting.front();
  const std::uint32_t message = shares_[share].message;
  delivery::Request request = make_request(share, now);
  flights_.emplace(request.serial,
                   Flight{message, lane, RecipientList(request.recipients.begin(), request.recipients.end())});
  if (shares_[share].taken == shares_[share].recipients.size()) {
    withdraw(share);
  } else {
    l.waiting.erase(shares_, share);
    l.waiting.push_back(shares_, share);
  }
  ++l.busy;
  ++transport.busy;
  ++messages_[message].in_flight;
  request.more_waiting = !l.waiting.empty();
  if (!l.affinities.empty()) {
    request.affinity = l.affinities.back();
    l.affinities.pop_back();
  }
  ports_.deliver(std::move(request));
}

delivery::Request Scheduler::make_request(std::uint32_t share, Instant now) {
  Share& s = shares_[share];
  const Lane& lane = lanes_[s.lane];
  const Transport& transport = transports_[lane.transport];
  const ActiveMessage& message = messages_[s.message];
  const std::size_t limit = transport.settings.destination_recipient_limit;
  const std::size_t left = s.recipients.size() - s.taken;
  const std::size_t count = limit == 0 ? left : std::min(limit, left);
  const auto first = s.recipients.begin() + s.taken;
  s.taken += static_cast<std::uint32_t>(count);
  return {.serial = next_serial_++,
          .transport = transport.name,
          .nexthop = lane.nexthop,
          .envelope = message.envelope,
          .recipients = {first, first + static_cast<std::ptrdiff_t>(count)},
          .body = message.body,
          .active_since = message.since,
          .started = now.wall};
}

// --- what a delivery says about its lane

void Scheduler::judge_lane(std::uint32_t lane, const delivery::Report& report, Instant now) {
  Lane& l = lanes_[lane];
  const TransportSettings& settings = transports_[l.transport].settings;
  if (report.affinity != delivery::Request::kNoAffinity && l.affinities.size() < kMaxAffinities) {
    l.affinities.push_back(report.affinity);
  }
  if (report.health == delivery::LaneHealth::alive) {
    if (l.concurrency.dead()) end_pause(lane);
    l.concurrency.succeeded(settings, l.busy);
  } else if (!l.concurrency.dead() && l.concurrency.failed(settings)) {
    l.dead_dsn = report.health_dsn.empty() ? "4.0.0" : report.health_dsn;
    l.dead_text = std::string(kSuspended) + (report.health_text.empty() ? "unknown error" : report.health_text);
    l.timer = start_timer(TimerKind::lane, lane, settings_->minimal_backoff, now);
    l.until = now.wall + settings_->minimal_backoff;
    ++dead_lanes_;
    defer_lane(lane, now);
    return;
  }
  if (!l.concurrency.dead() && settings.destination_rate_delay.count() > 0) {
    l.paused = true;
    l.timer = start_timer(TimerKind::lane, lane, settings.destination_rate_delay, now);
    l.until = now.wall + settings.destination_rate_delay;
  }
}

// After a delivery over a transport that is to pause then.
void Scheduler::pause_transport(std::uint32_t transport, Instant now) {
  Transport& t = transports_[transport];
  if (t.settings.transport_rate_delay.count() == 0) return;
  t.timer = start_timer(TimerKind::transport, transport, t.settings.transport_rate_delay, now);
  t.until = now.wall + t.settings.transport_rate_delay;
}

// All that waits in a lane that was just declared dead.
void Scheduler::defer_lane(std::uint32_t lane, Instant now) {
  Lane& l = lanes_[lane];
  while (!l.waiting.empty()) {
    const std::uint32_t share = l.waiting.front();
    const std::uint32_t message = shares_[share].message;
    const RecipientList recipients(shares_[share].recipients.begin() + shares_[share].taken,
                                   shares_[share].recipients.end());
    withdraw(share);
    for (const std::uint32_t recipient : recipients)
      defer_unattempted(message, recipient, l.dead_dsn, l.dead_text, now);
    conclude_if_over(message, now);
  }
}

// The suspension or the pause of a lane is over.
void Scheduler::end_pause(std::uint32_t lane) {
  Lane& l = lanes_[lane];
  l.timer = 0;
  l.paused = false;
  if (!l.concurrency.dead()) return;
  l.concurrency.revive(transports_[l.transport].settings, l.busy);
  --dead_lanes_;
}

void Scheduler::free_lane_if_unused(std::uint32_t lane) {
  Lane& l = lanes_[lane];
  if (!l.waiting.empty() || l.busy > 0 || l.concurrency.dead() || l.paused) return;
  if (l.ready) transports_[l.transport].ready.erase(lanes_, lane);
  lane_by_key_.erase(lane_by_key_.find(std::string_view(l.key)));
  lanes_.release(lane);
}

// --- timers

std::uint64_t Scheduler::start_timer(TimerKind kind, std::uint32_t index, Duration after, Instant now) {
  const std::uint64_t serial = next_timer_++;
  timers_.push({now.mono + after, serial, index, kind});
  return serial;
}

// Timers are never taken back: one whose owner no longer carries its serial is void.
void Scheduler::fire(const Timer& timer, Instant now) {
  if (timer.kind == TimerKind::record) {
    if (messages_[timer.index].record_timer == timer.serial) record(timer.index);
    return;
  }
  if (timer.kind == TimerKind::transport) {
    Transport& transport = transports_[timer.index];
    if (transport.timer != timer.serial) return;
    transport.timer = 0;
    run(timer.index, now);
    return;
  }
  if (lanes_[timer.index].timer != timer.serial) return;
  const std::uint32_t transport = lanes_[timer.index].transport;
  end_pause(timer.index);
  make_ready(timer.index);
  run(transport, now);
  free_lane_if_unused(timer.index);
}

}  // namespace waypost::queue
