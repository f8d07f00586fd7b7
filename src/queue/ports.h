// What the queue takes in and what it asks of the rest of the program. The daemon wires the ports to the transports,
// the spool, routing and the composer of notices.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/queue_id.h"
#include "delivery/agent.h"
#include "mail/envelope.h"

namespace waypost::queue {

// The present, handed in with every event: the wall clock for what is stored and logged, the steady one for pauses.
struct Instant {
  WallTime wall{};
  MonoTime mono{};
};

// Where one recipient is to go. Recipients that are finished already need no route.
struct RoutedRecipient {
  std::uint32_t index = 0;  // into Envelope::recipients
  std::string transport;
  std::string nexthop;
};

// A message that is in the spool and routed: fresh from intake, or loaded again for another attempt.
struct Arrival {
  std::shared_ptr<const mail::Envelope> envelope;
  std::uint64_t size = 0;  // content bytes
  std::vector<RoutedRecipient> recipients;
  std::shared_ptr<delivery::BodySource> body;
  bool held = false;  // to the hold queue, until an operator releases it
};

// A message of the spool, known by its marks alone (start-up).
struct StoredEntry {
  QueueId id;
  std::uint64_t size = 0;
  WallTime arrival{};
  WallTime next_attempt{};  // past: as soon as there is room
  std::uint32_t attempts = 0;
  bool held = false, delay_notified = false, force_expire = false;
};

// The answer to Ports::activate.
struct Activation {
  enum class Result : std::uint8_t {
    loaded,       // `arrival` and `progress` hold
    gone,         // the spool has no such message: it is forgotten, with a warning
    unavailable,  // spool or tables failed (`error`): tried again after minimal_backoff
  };
  QueueId id;
  Result result = Result::loaded;
  Arrival arrival;
  mail::Progress progress;
  std::string error;
};

// A notice to the sender that is to be composed and queued.
struct NoticeRequest {
  enum class Kind : std::uint8_t { failure, delay, success, delay_cleared };
  Kind kind = Kind::failure;
  std::shared_ptr<const mail::Envelope> envelope;
  std::shared_ptr<delivery::BodySource> body;
  std::uint64_t size = 0;
  // Of the recipients concerned; of failures and delays whatever their NOTIFY says.
  std::vector<delivery::Outcome> outcomes;
};

// Called on the queue's thread; each call must return soon and must not call the queue back before it returns.
// activate, record, amend and remove of one message take effect in the order of the calls.
class Ports {
 public:
  virtual ~Ports() = default;
  // To the agent of request.transport; its report comes back through finished(), exactly once. A transport that does
  // not exist is answered by delivery::ErrorAgent of kind `unavailable`.
  virtual void deliver(delivery::Request request) = 0;
  // Load the message from the spool and route its pending recipients; answer with activated().
  virtual void activate(QueueId id) = 0;
  // Keep this as the message's delivery state.
  virtual void record(QueueId id, mail::Progress progress) = 0;
  // Change held, force_expire and next_attempt of the stored delivery state to those of `marks`; the rest stays.
  virtual void amend(QueueId id, const mail::Progress& marks) = 0;
  virtual void remove(QueueId id) = 0;
  // Answer with notified() once the notice is safely queued, or nothing has to be sent (null sender, NOTIFY); delay: no
  // answer.
  virtual void notify(NoticeRequest request) = 0;
};

}  // namespace waypost::queue
