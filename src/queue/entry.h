// One queued message as the schedule knows it: 48 bytes. Addresses, texts and content stay in the spool.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/queue_id.h"
#include "queue/slab.h"

namespace waypost::queue {

enum class State : std::uint8_t {
  incoming,  // waits for room in the active queue, never tried since it was queued or since the start
  due,       // deferred, its time has come, waits for room in the active queue
  loading,   // the spool and routing were asked for it
  active,    // in its lanes, under way, or waiting for its bounce to be queued
  deferred,  // in the wheel until next_attempt
  held,
};

struct Entry {
  static constexpr std::uint8_t kDelayNotified = 1, kForceExpire = 2, kFlush = 4, kHold = 8, kSuspended = 16;

  QueueId id;
  std::uint64_t size = 0;
  std::uint32_t arrival_s = 0;       // since the epoch
  std::uint32_t next_attempt_s = 0;  // since the epoch; 0: at once
  std::uint32_t due_s = 0;           // the wheel's slot; meaningful in State::deferred
  Links links;                       // in a wheel slot, or in one of the waiting lists
  std::uint32_t active = kNone;      // index of its ActiveMessage
  std::uint16_t attempts = 0;        // stays at its maximum
  State state = State::incoming;
  std::uint8_t flags = 0;

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  void set(std::uint8_t flag, bool on) { flags = static_cast<std::uint8_t>(on ? flags | flag : flags & ~flag); }
};
static_assert(sizeof(Entry) <= 48);

using Entries = Slab<Entry>;
using EntryList = IndexList<Entry, &Entry::links>;

constexpr std::uint32_t to_seconds(WallTime t) {
  const auto s = std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
  return s < 0 ? 0 : s > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(s);
}
constexpr WallTime from_seconds(std::uint32_t s) { return WallTime{std::chrono::seconds{s}}; }

}  // namespace waypost::queue
