// The schedule: which message is tried when, over which lane, beside how many others. Pure: no threads, no I/O, all
// time is handed in; effects go out through Ports and the log. Owned and called by one thread (QueueThread in the
// daemon).
//
// Life of a message (docs of Postfix's qmgr(8) hold):
//   add, add_stored -> incoming -> (activate, activated) -> active -> its lanes -> finished ...
//   all deliveries ended -> failure notice if recipients bounced or the message expired -> removed, or deferred until
//   clamp(age, minimal_backoff, maximal_backoff) from now, rounded up to the next queue run (a multiple of
//   queue_run_delay since start, as the operator's parameter says) -> due -> activate ...
// A fresh message enters the active queue with what intake knows; every later attempt loads and routes anew, so that
// changed tables take effect and deferred mail costs only an Entry.
//
// Lanes are transport + nexthop (lower case; + recipient when destination_recipient_limit is 1). A lane's window
// follows Postfix's feedback; a dead destination defers all its mail at once ("delivery temporarily suspended: ...")
// for minimal_backoff. Within a lane messages take turns by deliveries, within a transport lanes take turns.
//
// Failure: what a port cannot do comes back as an event; a report that misses recipients defers them. Events about
// messages that are gone are ignored.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/log.h"
#include "queue/lane.h"
#include "queue/listing.h"
#include "queue/ports.h"
#include "queue/settings.h"
#include "queue/wheel.h"

namespace waypost::queue {

inline constexpr std::uint32_t kMaxLoading = 64;  // activations asked for at once
// A message with many lanes has its progress recorded at most this often while deliveries end.
inline constexpr std::chrono::milliseconds kRecordInterval{100};
inline constexpr std::size_t kRecordAlways = 64;  // up to so many recipients progress is recorded at once
inline constexpr std::size_t kMaxAffinities = 64;

class Scheduler {
 public:
  struct Logs {
    Log qmgr;   // postfix/qmgr
    Log error;  // postfix/error: recipients that are deferred without an attempt
  };
  Scheduler(std::shared_ptr<const Settings> settings, Ports& ports, Logs logs, Instant now);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // --- events
  void reserve(std::size_t messages);  // before many add_stored
  // Only makes the entry; advance() starts the work.
  void add_stored(const StoredEntry& stored);
  void add(Arrival arrival, Instant now);
  void activated(Activation activation, Instant now);
  void finished(delivery::Report report, Instant now);
  void notified(QueueId id, bool ok, Instant now);
  // Everything that is due by now: deferred messages, ends of pauses. Call at next_wake() or after anything else.
  void advance(Instant now);
  // How long from `now` advance() has nothing to do; nullopt: until the next event.
  std::optional<Duration> next_wake(Instant now) const;
  void reconfigure(std::shared_ptr<const Settings> settings);

  // --- commands
  Answer command(Action action, QueueId id, Instant now);
  std::size_t command_all(Action action, Instant now);  // how many it was done to
  Listing list(std::uint32_t from, std::size_t limit) const;
  std::optional<QueueItem> describe(QueueId id) const;
  Counts counts() const;

  // --- the end
  void stop_handing_out();  // deliveries under way go on; nothing new starts
  bool idle() const { return flights_.empty() && notifying_ == 0; }
  void record_unrecorded();  // what rate limiting of records holds back

 private:
  enum class TimerKind : std::uint8_t { lane, transport, record };
  struct Timer {
    MonoTime at;
    std::uint64_t serial;
    std::uint32_t index;
    TimerKind kind;
    bool operator>(const Timer& other) const { return at > other.at; }
  };
  struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };
  struct IdHash {
    std::size_t operator()(QueueId id) const { return std::hash<QueueId>{}(id); }
  };

  // Life of a message (scheduler.cc)
  std::uint32_t new_entry(QueueId id, std::uint64_t size, WallTime arrival);
  void forget(std::uint32_t entry);
  void enlist(std::uint32_t entry, State state);  // into the list or wheel of `state`
  void delist(std::uint32_t entry);
  void fill_active();
  bool has_room() const;
  void enter(std::uint32_t entry, Arrival arrival, std::vector<mail::RecipientProgress> progress, Instant now);
  void conclude_if_over(std::uint32_t message, Instant now);
  void expire_outcomes(std::uint32_t message);
  void bounce(std::uint32_t message);
  void settle(std::uint32_t message, Instant now);
  void postpone(std::uint32_t message, Instant now);
  void warn_of_delay(ActiveMessage& message, Entry& entry, Instant now);
  void leave(std::uint32_t message);
  bool is_expired(const Entry& entry, const ActiveMessage& message, Instant now) const;
  std::uint32_t due_s(std::uint32_t next_attempt_s) const;
  void activation_failed(std::uint32_t entry, const std::string& error, Instant now);

  // Outcomes (outcomes.cc)
  void note_success(ActiveMessage& message, delivery::Outcome outcome) const;
  bool report_success(ActiveMessage& message);
  mail::RecipientProgress& progress_of(ActiveMessage& message, std::uint32_t recipient);
  void apply(ActiveMessage& message, delivery::Outcome outcome);
  void apply_report(const Flight& flight, delivery::Report& report);
  void add_missing_outcomes(ActiveMessage& message, std::string_view dsn, std::string_view text);
  void defer_unattempted(std::uint32_t message, std::uint32_t recipient, std::string_view dsn, std::string_view text,
                         Instant now);
  void record(std::uint32_t message);
  void record_soon(std::uint32_t message, Instant now);
  static mail::Progress marks(const Entry& entry);

  // Lanes (lanes.cc)
  void configure(Transport& transport) const;
  std::uint32_t transport_for(const std::string& name);
  std::uint32_t lane_for(std::uint32_t transport, const RoutedRecipient& routed, const mail::Envelope& envelope);
  void assign(std::uint32_t message, std::vector<RoutedRecipient>& recipients, Instant now);
  bool refused(std::uint32_t message, std::uint32_t lane, std::uint32_t recipient, Instant now);
  std::uint32_t share_for(std::uint32_t message, std::uint32_t lane, std::uint64_t grouping);
  delivery::Request make_request(std::uint32_t share, Instant now);
  bool may_hand_out(const Lane& lane) const;
  void make_ready(std::uint32_t lane);
  void run(std::uint32_t transport, Instant now);
  void hand_out(std::uint32_t lane, Instant now);
  void withdraw(std::uint32_t share);
  void withdraw_all(std::uint32_t message);
  void judge_lane(std::uint32_t lane, const delivery::Report& report, Instant now);
  void pause_transport(std::uint32_t transport, Instant now);
  void defer_lane(std::uint32_t lane, Instant now);
  void end_pause(std::uint32_t lane);
  void free_lane_if_unused(std::uint32_t lane);
  std::uint64_t start_timer(TimerKind kind, std::uint32_t index, Duration after, Instant now);
  void fire(const Timer& timer, Instant now);

  // Commands (commands.cc)
  Answer apply_action(Action action, std::uint32_t entry, Instant now);
  Answer flush(std::uint32_t entry);
  Answer hold(std::uint32_t entry, Instant now);
  Answer release(std::uint32_t entry);
  Answer remove(std::uint32_t entry);
  Answer requeue(std::uint32_t entry);
  Answer expire(std::uint32_t entry, Instant now);
  void expire_share(std::uint32_t share);
  void revive_all_lanes(Instant now);
  QueueItem describe(const Entry& entry) const;
  void describe_active(const ActiveMessage& message, QueueItem& item) const;

  std::shared_ptr<const Settings> settings_;
  Ports& ports_;
  Logs logs_;
  std::uint32_t started_s_;  // queue runs are counted from here

  Entries entries_;
  boost::unordered_flat_map<QueueId, std::uint32_t, IdHash> by_id_;
  EntryList incoming_, due_;
  Wheel wheel_;
  Slab<ActiveMessage> messages_;
  Slab<Share> shares_;
  Slab<Lane> lanes_;
  boost::unordered_flat_map<std::string, std::uint32_t, KeyHash, std::equal_to<>> lane_by_key_;
  std::vector<Transport> transports_;
  std::unordered_map<std::string, std::uint32_t> transport_by_name_;
  boost::unordered_flat_map<std::uint64_t, Flight> flights_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::string key_;  // scratch for lane keys
  std::uint64_t next_serial_ = 1, next_timer_ = 1, next_grouping_ = 1;
  std::uint64_t held_ = 0;
  std::uint32_t loading_ = 0, notifying_ = 0, dead_lanes_ = 0;
  bool stopping_ = false, due_has_turn_ = false;
};

}  // namespace waypost::queue
