// What the queue asks of a transport, and what it gets back. The queue knows no protocol; an agent knows no schedule.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/queue_id.h"
#include "mail/envelope.h"

namespace waypost::delivery {

// Where the content of a message comes from: the buffer it arrived in while that is still cached, else the spool.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual std::uint64_t size() const = 0;
  // The whole content when it is in memory, else empty.
  virtual std::shared_ptr<const std::string> cached() const = 0;
  // Up to `limit` bytes at `offset`, shorter only at the end; nullopt: the spool failed (defer). Blocking file read.
  virtual std::optional<std::string> read(std::uint64_t offset, std::size_t limit) = 0;
};

// One attempt: some recipients of one message to one nexthop over one transport.
struct Request {
  std::uint64_t serial = 0;  // names the attempt; unique while the process lives
  std::string transport;     // master.cf service name: smtp, relay, premium_relay ...
  std::string nexthop;       // as routed: "[host]:587", "example.com"; for error: the text
  std::shared_ptr<const mail::Envelope> envelope;
  std::vector<std::uint32_t> recipients;  // indexes into envelope->recipients; never empty
  std::shared_ptr<BodySource> body;
  WallTime active_since{};               // when the message entered the active queue
  WallTime started{};                    // when the queue handed it out
  bool more_waiting = false;             // more mail waits for this lane: keep the connection
  std::uint32_t affinity = kNoAffinity;  // io thread that has a connection to this lane
  static constexpr std::uint32_t kNoAffinity = UINT32_MAX;
};

enum class Status : std::uint8_t { sent, deferred, bounced };

// Of what was sent: who tells a sender that asked for it (NOTIFY=SUCCESS), and what (RFC 3461 §5.2).
enum class Handover : std::uint8_t {
  relayed,    // we do: to a server that knows no DSN
  delivered,  // we do: this was the end
  passed_on,  // the server has taken the request over
};

// The end of the attempt for one recipient, as logged.
struct Outcome {
  std::uint32_t recipient = 0;  // index into Envelope::recipients
  Status status = Status::deferred;
  Handover handover = Handover::relayed;
  std::string dsn;           // "2.0.0"
  std::string text;          // what stands in brackets after status=
  std::string remote_mta;    // host name, for DSNs; empty when no server spoke
  std::string remote_reply;  // the server's reply as received, for Diagnostic-Code; empty when none
};

// What the attempt says about the destination as a whole (qmgr's dead-destination logic). Everything about the message
// or its recipients alone is `alive`.
enum class LaneHealth : std::uint8_t { alive, site_failure };

struct Report {
  std::uint64_t serial = 0;
  std::vector<Outcome> outcomes;  // one for each recipient of the request
  LaneHealth health = LaneHealth::alive;
  std::string health_dsn, health_text;            // for "delivery temporarily suspended: ..."
  std::uint32_t affinity = Request::kNoAffinity;  // the io thread that still holds a connection
};

using ReportSink = std::move_only_function<void(Report)>;

// A transport. Any thread may call deliver(); `done` is called exactly once, on any thread.
class Agent {
 public:
  virtual ~Agent() = default;
  virtual void deliver(Request request, ReportSink done) = 0;
};

}  // namespace waypost::delivery
