// The parts of the schedule above single messages: a transport, its lanes (one per destination), and in a lane the
// waiting shares of messages. All owned by the Scheduler.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "base/clock.h"
#include "delivery/agent.h"
#include "queue/concurrency.h"
#include "queue/ports.h"
#include "queue/slab.h"

namespace waypost::queue {

using RecipientList = boost::container::small_vector<std::uint32_t, 4>;

// The recipients of one message that wait in one lane. They leave it in deliveries of at most
// destination_recipient_limit; after each the share goes to the end of the lane, behind other messages.
struct Share {
  std::uint32_t message = kNone, lane = kNone;
  std::uint32_t position = 0;  // in ActiveMessage::shares
  std::uint32_t taken = 0;     // recipients before this one have been handed out
  RecipientList recipients;
  Links links;
};

struct Lane {
  std::string key;  // of the lane map
  std::string nexthop;
  std::uint32_t transport = kNone;
  Concurrency concurrency;
  int busy = 0;
  IndexList<Share, &Share::links> waiting;
  bool ready = false;       // in its transport's list of lanes that may hand out
  Links links;              // in that list
  std::uint64_t timer = 0;  // the timer that ends the suspension or pause; 0: none
  bool paused = false;      // destination_rate_delay
  WallTime until{};         // when the timer fires, for listings
  std::string dead_dsn, dead_text;
  std::vector<std::uint32_t> affinities;  // io threads that hold an idle connection
  std::uint64_t grouping = 0;             // the message whose recipients are being grouped ...
  std::uint32_t grouping_share = kNone;   // ... and its share here
};

using LaneList = IndexList<Lane, &Lane::links>;

struct Transport {
  std::string name;
  TransportSettings settings;
  bool deferred = false;  // defer_transports
  int busy = 0;
  LaneList ready;
  std::uint64_t timer = 0;  // transport_rate_delay; 0: none
  WallTime until{};
};

// A message in the active queue.
struct ActiveMessage {
  std::uint32_t entry = kNone;  // kNone: removed by an operator while deliveries are under way
  std::shared_ptr<const mail::Envelope> envelope;
  std::shared_ptr<delivery::BodySource> body;
  WallTime since{};
  std::vector<std::uint32_t> shares;              // that still wait in lanes
  std::vector<mail::RecipientProgress> progress;  // empty until there is something to say
  std::vector<delivery::Outcome> outcomes;        // of this round: deferred and bounced ones
  std::vector<delivery::Outcome> successes;       // of this round: those that the sender is to be told
  std::vector<delivery::Outcome> cleared;         // likewise, because he had been told of a delay
  std::uint32_t in_flight = 0;
  bool unrecorded = false;  // progress has news that the spool does not know yet
  std::uint64_t record_timer = 0;
  std::uint32_t finished = 0;  // recipients sent or bounced, in this round or before
  bool notifying = false;      // waits for notified() ...
  bool of_success = false;     // ... about a notice of success
};

struct Flight {
  std::uint32_t message = kNone, lane = kNone;
  RecipientList recipients;
};

}  // namespace waypost::queue
