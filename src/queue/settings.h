// What the queue's schedule obeys: an immutable snapshot of the parameters, swapped as a whole on reload.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace waypost::queue {

// *_destination_concurrency_positive_feedback and _negative_feedback: how much one result counts at a given window.
struct Feedback {
  enum class Kind : unsigned char { constant, per_concurrency, per_square_root };
  Kind kind = Kind::constant;
  double amount = 1;  // the number, or the numerator of "N/concurrency" and "N/sqrt_concurrency"

  double at(int window) const;
};
// "1", "0.5", "1/5", "1/concurrency", "1/sqrt_concurrency"; 0 <= value <= 1 for constants. Errc::invalid says what is
// wrong.
Result<Feedback> parse_feedback(std::string_view text);

struct TransportSettings {
  int initial_destination_concurrency = 5;
  int destination_concurrency_limit = 20;               // 0: none
  int destination_concurrency_failed_cohort_limit = 1;  // 0: never declared dead
  Feedback positive_feedback, negative_feedback;
  std::size_t destination_recipient_limit = 50;    // per delivery; 0: none; 1: lanes are per recipient
  std::chrono::seconds destination_rate_delay{0};  // pause of a lane after each delivery; forces a window of 1
  std::chrono::seconds transport_rate_delay{0};    // pause of the transport after each delivery; it does one at a time
  int process_limit = 100;  // deliveries at once over this transport (master.cf maxproc); 0: none
};

struct Settings {
  std::size_t active_limit = 20'000;  // qmgr_message_active_limit
  std::chrono::seconds queue_run_delay{300};
  std::chrono::seconds minimal_backoff{300};
  std::chrono::seconds maximal_backoff{4'000};
  std::chrono::seconds maximal_queue_lifetime{5 * 86'400};
  std::chrono::seconds bounce_queue_lifetime{5 *
                                             86'400};  // for the null sender; above the maximal one it counts as that
  std::chrono::seconds delay_warning_time{0};          // 0: no notices
  bool confirm_delay_cleared = false;                  // a sender that got a delay notice learns of the delivery
  bool soft_bounce = false;                            // nothing is returned to its sender, expired mail neither
  std::string recipient_delimiter;                     // for lanes that are per recipient
  std::vector<std::string> defer_transports;           // delivered only when flushed
  TransportSettings defaults;
  std::unordered_map<std::string, TransportSettings> transports;  // by master.cf name, already merged with the defaults

  const TransportSettings& transport(const std::string& name) const;
};

}  // namespace waypost::queue
