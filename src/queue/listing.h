// What the queue tells about itself: the state and the reason of each message, and totals.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/queue_id.h"
#include "queue/entry.h"

namespace waypost::queue {

// Why a message is not being delivered at this moment.
enum class Reason : std::uint8_t {
  none,              // it is: a delivery is under way
  window_full,       // the destination's concurrency is used up
  process_limit,     // the transport's concurrency is used up
  rate_delay,        // destination or transport rate delay, until `until`
  turn,              // others of its lane or transport go first
  back_off,          // deferred until `until`
  dead_destination,  // not even tried, because its destination was suspended; deferred until `until`
  held,              // by an operator or a HOLD action
  active_limit,      // the active queue is full
  loading,           // the spool and routing were asked for it
  notice,            // its notice to the sender is being queued
  stopping,          // nothing new is handed out
};
std::string_view reason_text(Reason reason);

struct QueueItem {
  QueueId id;
  State state = State::incoming;
  Reason reason = Reason::none;
  std::uint64_t size = 0;
  WallTime arrival{};
  WallTime until{};  // of back_off, rate_delay, dead_destination; else unset
  std::uint32_t attempts = 0;
  bool force_expire = false;
  std::string lane;  // "transport:nexthop" that the reason is about; empty outside the active queue
};

// A piece of the listing. Ask again with `next` until it is kNone; messages that come and go meanwhile may be missed.
struct Listing {
  std::vector<QueueItem> items;
  std::uint32_t next = kNone;
};

struct Counts {
  std::uint64_t incoming = 0, active = 0, deferred = 0, held = 0;  // messages; due and loading count as incoming
  std::uint64_t in_flight = 0;                                     // deliveries under way
  std::uint64_t lanes = 0, dead_lanes = 0;
};

enum class Action : std::uint8_t {
  flush,    // attempt now, whatever its back-off or a dead destination say
  hold,     // no attempts until released; attempts under way end first
  release,  // ends a hold: due at once
  remove,   // gone, without notice
  requeue,  // load and route it again, attempt at once, also when held
  expire,   // return to sender at once instead of another attempt (a held message: when it is released)
};

enum class Answer : std::uint8_t { done, unchanged, not_found };

}  // namespace waypost::queue
