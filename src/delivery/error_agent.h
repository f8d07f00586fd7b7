// The transports `error` and `retry`: every recipient is bounced or deferred with the text that the nexthop carries
// ("error:5.1.1 User unknown", "retry:4.3.2 deferred transport"). Also what answers for a transport that master.cf does
// not define. Logs as Postfix's error(8), with relay=none. Any thread; answers before deliver() returns.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "delivery/agent.h"

namespace waypost::delivery {

class ErrorAgent final : public Agent {
 public:
  enum class Kind : std::uint8_t {
    error,        // bounce; 5.0.0 unless the text begins with a 5.x.x code
    retry,        // defer; 4.0.0 unless the text begins with a 4.x.x code
    unavailable,  // defer with "4.3.0 mail transport unavailable", whatever the nexthop says
  };
  // `log` is tagged postfix/error. With soft_bounce an error transport defers.
  ErrorAgent(Kind kind, Log log, const Clock& clock, bool soft_bounce = false)
      : kind_(kind), log_(std::move(log)), clock_(clock), soft_bounce_(soft_bounce) {}

  void deliver(Request request, ReportSink done) override;

 private:
  Kind kind_;
  Log log_;
  const Clock& clock_;
  bool soft_bounce_;
};

}  // namespace waypost::delivery
