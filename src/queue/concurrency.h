// How many deliveries a destination may have at once: the window that grows with success and shrinks with failures of
// the site, and the verdict that the site is dead. Postfix's algorithm (its SCHEDULER_README describes it), number by
// number, because operators tune by it. Pure arithmetic.
#pragma once

#include "queue/settings.h"

namespace waypost::queue {

class Concurrency {
 public:
  Concurrency() = default;
  explicit Concurrency(const TransportSettings& settings);

  int window() const { return window_; }
  bool dead() const { return window_ == 0; }

  // A delivery ended without trouble of the site. `busy` counts the deliveries under way, this one included.
  void succeeded(const TransportSettings& settings, int busy);
  // A delivery ended with trouble of the site. Returns true when this made the site dead. Not for dead sites.
  bool failed(const TransportSettings& settings);
  // The suspension of a dead site is over.
  void revive(const TransportSettings& settings, int busy);

 private:
  int window_ = 0;  // 0: dead
  double success_ = 0, failure_ = 0, fail_cohorts_ = 0;
};

}  // namespace waypost::queue
