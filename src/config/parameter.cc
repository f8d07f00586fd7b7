#include "config/parameter.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace waypost::config {

namespace {

constexpr Parameter kParameters[] = {
#include "config/parameter_rows.inc"
};

constexpr std::string_view kPattern = "transport";

constexpr std::array<std::string_view, 17> kSuffixes = {"_delivery_slot_cost",
                                                        "_delivery_slot_discount",
                                                        "_delivery_slot_loan",
                                                        "_destination_concurrency_failed_cohort_limit",
                                                        "_destination_concurrency_limit",
                                                        "_destination_concurrency_negative_feedback",
                                                        "_destination_concurrency_positive_feedback",
                                                        "_destination_rate_delay",
                                                        "_destination_recipient_limit",
                                                        "_extra_recipient_limit",
                                                        "_initial_destination_concurrency",
                                                        "_minimum_delivery_slots",
                                                        "_recipient_limit",
                                                        "_recipient_refill_delay",
                                                        "_recipient_refill_limit",
                                                        "_time_limit",
                                                        "_transport_rate_delay"};

constexpr std::array<std::string_view, 9> kRaw = {"postscreen_expansion_filter",
                                                  "postscreen_reject_footer",
                                                  "command_execution_directory",
                                                  "default_rbl_reply",
                                                  "forward_path",
                                                  "luser_relay",
                                                  "mailbox_command",
                                                  "smtpd_expansion_filter",
                                                  "smtpd_reject_footer"};

// Edit distance with insertions, deletions, substitutions and swaps of neighbours; gives up above `limit`.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
  if ((a.size() > b.size() ? a.size() - b.size() : b.size() - a.size()) > limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    std::size_t best = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
      best = std::min(best, row[j]);
    }
    if (best > limit) return limit + 1;
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::span<const Parameter> all_parameters() { return kParameters; }

const Parameter* find_parameter(std::string_view name) {
  const auto found = std::ranges::lower_bound(kParameters, name, {}, &Parameter::name);
  return found != std::end(kParameters) && found->name == name ? &*found : nullptr;
}

std::span<const std::string_view> transport_suffixes() { return kSuffixes; }

std::optional<TransportParameter> find_transport_parameter(std::string_view name) {
  std::optional<TransportParameter> best;
  std::size_t longest = 0;
  for (const std::string_view suffix : kSuffixes) {
    if (!name.ends_with(suffix) || name.size() == suffix.size() || suffix.size() < longest) continue;
    std::string pattern(kPattern);
    pattern += suffix;
    longest = suffix.size();
    best = TransportParameter{find_parameter(pattern), name.substr(0, name.size() - suffix.size())};
  }
  return best;
}

const Parameter* find_any_parameter(std::string_view name) {
  if (const Parameter* exact = find_parameter(name)) return exact;
  const auto derived = find_transport_parameter(name);
  return derived ? derived->pattern : nullptr;
}

bool is_raw(std::string_view name) { return std::ranges::find(kRaw, name) != kRaw.end(); }

std::string_view nearest_parameter(std::string_view name) {
  constexpr std::size_t kLongestName = 100;
  if (name.size() > kLongestName) return {};
  std::size_t limit = std::min<std::size_t>(3, name.size() / 4);
  std::string_view best;
  for (const Parameter& parameter : kParameters) {
    if (parameter.type == Type::legacy) continue;
    const std::size_t d = distance(name, parameter.name, limit);
    if (d > limit || (!best.empty() && d == limit)) continue;
    best = parameter.name;
    limit = d;
    if (limit == 0) break;
  }
  return best;
}

}  // namespace waypost::config
