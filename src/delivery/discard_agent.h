// The transport `discard`: every recipient counts as delivered, nothing is sent. The nexthop is the text for the log,
// with an optional leading 2.x.x code. Any thread; answers before deliver() returns.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "delivery/agent.h"

namespace waypost::delivery {

class DiscardAgent final : public Agent {
 public:
  // `log` is tagged postfix/discard.
  DiscardAgent(Log log, const Clock& clock) : log_(std::move(log)), clock_(clock) {}

  void deliver(Request request, ReportSink done) override;

 private:
  Log log_;
  const Clock& clock_;
};

}  // namespace waypost::delivery
