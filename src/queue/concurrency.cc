#include "queue/concurrency.h"

#include <algorithm>

namespace waypost::queue {

namespace {
// One step of the window is worth this much feedback.
constexpr double kHysteresis = 1.0;
}  // namespace

Concurrency::Concurrency(const TransportSettings& settings)
    : window_(std::max(1, settings.initial_destination_concurrency)) {}

void Concurrency::revive(const TransportSettings& settings, int busy) {
  // Back from the dead, the best concurrency is anyone's guess.
  window_ = busy > 0 ? busy : std::max(1, settings.initial_destination_concurrency);
  success_ = failure_ = fail_cohorts_ = 0;
}

void Concurrency::succeeded(const TransportSettings& settings, int busy) {
  fail_cohorts_ = 0;
  if (dead()) {
    revive(settings, busy);
    return;
  }
  const int limit = settings.destination_concurrency_limit;
  if (limit > 0 && window_ >= limit) return;
  // Not far beyond what is really used, else failures would take too long to reduce it.
  if (window_ >= busy + settings.initial_destination_concurrency) return;
  const double feedback = settings.positive_feedback.at(window_);
  success_ += feedback;
  while (feedback > 0 && success_ + feedback / 2 >= kHysteresis) {
    ++window_;
    success_ -= kHysteresis;
    failure_ = 0;
  }
  if (limit > 0) window_ = std::min(window_, limit);
}

bool Concurrency::failed(const TransportSettings& settings) {
  fail_cohorts_ += 1.0 / window_;
  const int limit = settings.destination_concurrency_failed_cohort_limit;
  if (limit > 0 && fail_cohorts_ >= limit) {
    window_ = 0;
    return true;
  }
  const double feedback = settings.negative_feedback.at(window_);
  failure_ -= feedback;
  while (feedback > 0 && failure_ - feedback / 2 < 0) {
    --window_;
    success_ = 0;
    failure_ += kHysteresis;
  }
  window_ = std::max(window_, 1);
  return false;
}

}  // namespace waypost::queue
