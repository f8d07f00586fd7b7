// The relay: all objects of a running daemon, made from a snapshot in the order in which they need each other, and
// ended in the opposite one.
//
// Threads: start() and stop() on the main thread. reload() from any thread that is no io thread (it opens sockets and
// reads files), one at a time.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "admin/commands.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/body.h"
#include "daemon/client_names.h"
#include "daemon/control.h"
#include "daemon/dispatcher.h"
#include "daemon/groups.h"
#include "daemon/listeners.h"
#include "daemon/notifier.h"
#include "daemon/pickup.h"
#include "daemon/postmaster_mail.h"
#include "daemon/smtpd_services.h"
#include "daemon/snapshot.h"
#include "daemon/transport_set.h"
#include "dns/native_resolver.h"
#include "dns/unbound_resolver.h"
#include "intake/intake.h"
#include "net/blocking.h"
#include "net/io_thread.h"
#include "queue/queue_thread.h"
#include "spool/posix_file_system.h"
#include "spool/segment_spool.h"

namespace waypost::daemon {

class Relay {
 public:
  struct Environment {
    std::string config_directory;
    LogSink& log;
    const Clock& clock;
    std::function<void()> reopen_log;  // a reload also follows a rotated log file
  };

  // Errors name what failed; nothing is left running.
  static Result<std::unique_ptr<Relay>> start(Environment environment, std::shared_ptr<const Snapshot> snapshot);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Reads the files anew. Refused as a whole when anything is wrong; the settings in use then stay.
  admin::ReloadOutcome reload();
  // Two phases: stop accepting and handing out; let what is in flight end until `limit`; then close everything.
  void stop(std::chrono::seconds limit);

 private:
  explicit Relay(Environment environment, std::shared_ptr<const Snapshot> snapshot);
  Result<> open();
  Result<> scan();
  void make_services();
  Result<> apply_listeners(const Snapshot& snapshot);
  Result<> apply(std::shared_ptr<const Snapshot> snapshot);
  Log log(std::string_view service) const;
  dns::Resolver& peer_names();

  Environment environment_;
  std::mutex reload_mutex_;
  std::shared_ptr<const Snapshot> snapshot_;  // under reload_mutex_ once started
  Log master_log_;

  spool::PosixFileSystem files_;
  std::unique_ptr<spool::SegmentSpool> spool_;
  std::unique_ptr<QueueIdSource> ids_;
  std::unique_ptr<net::IoThreads> threads_;
  std::unique_ptr<Groups> groups_;
  std::unique_ptr<net::BlockingPool> blocking_;
  std::unique_ptr<dns::UnboundResolver> resolver_;
  std::unique_ptr<dns::NativeResolver> native_;
  std::unique_ptr<ClientNameCache> client_names_;
  std::unique_ptr<Bodies> bodies_;
  std::unique_ptr<intake::Intake> intake_;
  std::unique_ptr<Notifier> notifier_;
  std::unique_ptr<TransportSet> transports_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<queue::QueueThread> queue_;
  std::unique_ptr<PostmasterMail> postmaster_;
  std::unique_ptr<SmtpdServices> smtpd_;
  std::unique_ptr<Control> control_;
  std::unique_ptr<Listeners> listeners_;
  std::unique_ptr<Pickup> pickup_;
  bool stopped_ = false;
};

}  // namespace waypost::daemon
