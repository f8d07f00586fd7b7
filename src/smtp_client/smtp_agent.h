// The SMTP transport: delivery::Agent over the network. Each attempt is one coroutine on one io thread, which finds the
// hosts, reuses or makes a connection, sends the message and answers the queue. Connections never change threads; the
// queue learns from Report::affinity which thread holds one.
//
// Everything that can fail ends in an outcome for each recipient; the queue is answered exactly once, also when the
// agent is stopped or destroyed in the middle.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "delivery/agent.h"
#include "net/blocking.h"
#include "net/io_thread.h"
#include "smtp_client/hosts.h"
#include "smtp_client/kept_places.h"
#include "smtp_client/settings.h"

namespace waypost::smtp_client {

class ThreadState;

// All of it must outlive the agent.
struct AgentEnvironment {
  net::IoThreads& threads;
  NameServices names;
  net::BlockingPool& blocking;  // for content that is not in memory
  const Clock& clock;
  Log log;                                  // tagged "postfix/smtp", or syslog_name/smtp of the service
  std::function<std::uint32_t()> next_pid;  // a number for each attempt's log lines; any thread
};

class SmtpAgent final : public delivery::Agent {
 public:
  // Before or after the threads start.
  SmtpAgent(AgentEnvironment environment, std::shared_ptr<const ClientSettings> settings);
  // stop()s when nobody has.
  ~SmtpAgent() override;

  // On the thread that request.affinity names, else round-robin. After stop() everything is deferred.
  void deliver(delivery::Request request, delivery::ReportSink done) override;

  // Attempts that begin from now on use these; connections made with others are not used again.
  void configure(std::shared_ptr<const ClientSettings> settings);

  // Lets the attempts in flight finish until the deadline, then ends them (their recipients are deferred); closes idle
  // connections. The threads must be running or stopped; not from one of them.
  void stop(MonoTime deadline);

 private:
  AgentEnvironment environment_;
  std::uint32_t thread_for(const delivery::Request& request) const;

  KeptPlaces kept_;
  mutable std::mutex mutex_;
  std::shared_ptr<const ClientSettings> settings_;
  std::atomic<bool> keeps_some_;  // smtp_connection_cache_destinations is set
  bool stopped_ = false;
  std::vector<std::unique_ptr<ThreadState>> states_;  // one a thread; used only there
};

}  // namespace waypost::smtp_client
