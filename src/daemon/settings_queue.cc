#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "daemon/settings.h"

namespace waypost::daemon {
namespace {

constexpr int kMaxConcurrency = 100'000;

// NAME_suffix when it is set, else default_suffix: how every per-transport parameter works.
class TransportReader {
 public:
  TransportReader(config::Reader& reader, std::string transport) : reader_(reader), transport_(std::move(transport)) {}

  std::string name(const std::string& suffix, const std::string& fallback) const {
    if (transport_.empty()) return fallback;
    const auto own = fmt::format("{}_{}", transport_, suffix);
    return reader_.is_set(own) ? own : fallback;
  }
  int number(const std::string& suffix, const std::string& fallback, int min) const {
    return static_cast<int>(reader_.number(name(suffix, fallback), min, kMaxConcurrency));
  }
  std::chrono::seconds duration(const std::string& suffix, const std::string& fallback) const {
    return reader_.duration(name(suffix, fallback));
  }
  queue::Feedback feedback(const std::string& suffix, const std::string& fallback) const {
    const auto parameter = name(suffix, fallback);
    auto parsed = queue::parse_feedback(reader_.text(parameter));
    if (parsed) return *parsed;
    reader_.reject(parameter, parsed.error().text);
    return {};
  }

 private:
  config::Reader& reader_;
  std::string transport_;
};

queue::TransportSettings read_transport(config::Reader& reader, const std::string& transport) {
  const TransportReader from(reader, transport);
  queue::TransportSettings out;
  out.initial_destination_concurrency =
      from.number("initial_destination_concurrency", "initial_destination_concurrency", 1);
  out.destination_concurrency_limit =
      from.number("destination_concurrency_limit", "default_destination_concurrency_limit", 0);
  out.destination_concurrency_failed_cohort_limit = from.number(
      "destination_concurrency_failed_cohort_limit", "default_destination_concurrency_failed_cohort_limit", 0);
  out.positive_feedback =
      from.feedback("destination_concurrency_positive_feedback", "default_destination_concurrency_positive_feedback");
  out.negative_feedback =
      from.feedback("destination_concurrency_negative_feedback", "default_destination_concurrency_negative_feedback");
  out.destination_recipient_limit =
      static_cast<std::size_t>(from.number("destination_recipient_limit", "default_destination_recipient_limit", 0));
  out.destination_rate_delay = from.duration("destination_rate_delay", "default_destination_rate_delay");
  out.transport_rate_delay = from.duration("transport_rate_delay", "default_transport_rate_delay");
  return out;
}

}  // namespace

queue::Settings read_queue(const config::Configuration& configuration, config::Reader& reader) {
  queue::Settings out;
  out.active_limit = static_cast<std::size_t>(reader.number("qmgr_message_active_limit", 1, 10'000'000));
  out.queue_run_delay = reader.duration("queue_run_delay", std::chrono::seconds(1));
  out.minimal_backoff = reader.duration("minimal_backoff_time", std::chrono::seconds(1));
  out.maximal_backoff = reader.duration("maximal_backoff_time", std::chrono::seconds(1));
  out.maximal_queue_lifetime = reader.duration("maximal_queue_lifetime");
  out.bounce_queue_lifetime = std::min(reader.duration("bounce_queue_lifetime"), out.maximal_queue_lifetime);
  out.delay_warning_time = reader.duration("delay_warning_time");
  out.confirm_delay_cleared = reader.flag("confirm_delay_cleared");
  out.soft_bounce = reader.flag("soft_bounce");
  out.recipient_delimiter = reader.text("recipient_delimiter");
  out.defer_transports = reader.list("defer_transports");
  out.defaults = read_transport(reader, "");
  const auto process_limit = static_cast<int>(reader.number("default_process_limit", 1, kMaxConcurrency));
  out.defaults.process_limit = process_limit;
  for (const auto& service : configuration.master.services()) {
    if (service.type != "unix" || configuration.master.is_replaced(service) || !service.is_delivery_agent()) continue;
    auto transport = read_transport(reader, service.name);
    transport.process_limit = service.process_limit().value_or(process_limit);
    out.transports.emplace(service.name, std::move(transport));
  }
  return out;
}

}  // namespace waypost::daemon
