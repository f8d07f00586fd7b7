// The state of one delivery attempt: which recipients are still to be served, what became of the others, and what is
// told to the log and the queue. Judging is delivery/verdict.h's. One io thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "delivery/agent.h"
#include "smtp_client/connection.h"
#include "smtp_client/settings.h"
#include "smtp_client/trouble.h"

namespace waypost::smtp_client {

// Where in the list of servers a failure happened.
struct Place {
  bool last_host = true;
  bool is_relayhost = false;
  const Connection* connection = nullptr;  // none: relay=none
};

// What the server said when it took the message for a recipient.
struct Acceptance {
  std::string_view dsn, reply;
};

class Attempt {
 public:
  Attempt(delivery::Request request, delivery::ReportSink done, std::shared_ptr<const ClientSettings> settings, Log log,
          const Clock& clock);
  // Answers the queue when nothing else has: what is unserved is deferred.
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  const delivery::Request& request() const { return request_; }
  const ClientSettings& settings() const { return *settings_; }
  const std::shared_ptr<const ClientSettings>& settings_snapshot() const { return settings_; }
  const Log& log() const { return log_; }

  // Recipients without an outcome, as indexes into the envelope.
  std::span<const std::uint32_t> pending() const { return pending_; }
  bool finished() const { return pending_.empty(); }

  // The session is ready: the c of delays= ends here.
  void mark_connected() { connected_ = clock_.wall(); }

  // Something went wrong for all that are pending. True: they stay pending for the next host.
  bool fail(const Trouble& trouble, const Place& place);
  // As fail(), for a destination that could not be resolved while another is still to be tried.
  void remember(const Trouble& trouble, const Place& place);
  // The end of a transaction on place.connection. False: the connection must be closed.
  bool settle(const Place& place);
  // What failed last, for when no host is left; "server unavailable" when nothing did.
  void give_up();

  // For the delivery line when there is no connection: what was wanted (smtp_log_tls_feature_status).
  void set_tls_status(std::string status) { tls_status_ = std::move(status); }
  void set_affinity(std::uint32_t thread) { affinity_ = thread; }
  // Once: tells the queue. Everyone must have an outcome.
  void report();

 private:
  bool settle_refused(const Place& place);
  delivery::Verdict judge(const Trouble& trouble, const Place& place) const;
  void conclude(std::uint32_t recipient, const Trouble& trouble, const delivery::Verdict& verdict, const Place& place);
  void conclude_sent(std::uint32_t recipient, const Acceptance& acceptance, const Place& place);
  void record(delivery::Outcome outcome, std::string_view word, const Place& place);
  void note_health(const Trouble& trouble, const delivery::Verdict& verdict);
  void warn_about_relayhost(const delivery::Verdict& verdict, const Place& place);

  delivery::Request request_;
  delivery::ReportSink done_;
  std::shared_ptr<const ClientSettings> settings_;
  Log log_;
  const Clock& clock_;
  std::vector<std::uint32_t> pending_;
  std::vector<std::uint32_t> put_off_;  // during settle(): refused here, for the next host
  std::vector<delivery::Outcome> outcomes_;
  std::optional<WallTime> connected_;
  bool session_done_ = false;  // one was held to its end: trouble with later hosts does not condemn the site
  bool reported_ = false;
  std::optional<Trouble> last_trouble_;
  Place last_place_;
  delivery::LaneHealth health_ = delivery::LaneHealth::alive;
  std::string health_dsn_, health_text_;
  std::string tls_status_;
  std::uint32_t affinity_ = delivery::Request::kNoAffinity;
};

}  // namespace waypost::smtp_client
