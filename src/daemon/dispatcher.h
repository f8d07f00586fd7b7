// Between intake, spool, routing, the transports and the queue: brings messages into the queue with their routes, and
// does for the queue's thread what takes time.
//
// Threads: accepted() on io threads; the queue::Ports functions on the queue's thread. Work on one message keeps the
// queue's order: what must read the spool first (activate, amend) runs on the steward thread, and while a message has
// such work waiting, its records and removal wait behind it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/log.h"
#include "daemon/body.h"
#include "daemon/steward.h"
#include "delivery/agent.h"
#include "intake/intake.h"
#include "net/io_thread.h"
#include "net/task_group.h"
#include "queue/ports.h"
#include "queue/queue_thread.h"
#include "routing/router.h"
#include "spool/spool.h"

namespace waypost::daemon {

// The transports of master.cf by service name. Replaced as a whole on reload; attempts under way keep theirs.
struct Transports {
  std::map<std::string, std::shared_ptr<delivery::Agent>, std::less<>> agents;
  std::shared_ptr<delivery::Agent> missing;  // answers for names that master.cf does not define
};

class Dispatcher final : public queue::Ports {
 public:
  struct Parts {
    spool::Spool& spool;
    Bodies& bodies;
    net::IoThreads& threads;
    // One group an io thread, by index.
    std::function<net::TaskGroup&(std::size_t)> group;
    Log log;  // postfix/qmgr
    std::function<void(queue::NoticeRequest)> notify;
  };
  Dispatcher(Parts parts, std::shared_ptr<const routing::Router> router, std::shared_ptr<const Transports> transports);

  // Once, before anything arrives.
  void connect(queue::QueueThread& queue) { queue_ = &queue; }
  void accepted(intake::Accepted message);
  void set_router(std::shared_ptr<const routing::Router> router) { router_.store(std::move(router)); }
  void set_transports(std::shared_ptr<const Transports> transports) { transports_.store(std::move(transports)); }
  // Finishes what the steward has to do. After the queue has stopped.
  void stop() { steward_.stop(); }

  void deliver(delivery::Request request) override;
  void activate(QueueId id) override;
  void record(QueueId id, mail::Progress progress) override;
  void amend(QueueId id, const mail::Progress& marks) override;
  void remove(QueueId id) override;
  void notify(queue::NoticeRequest request) override { parts_.notify(std::move(request)); }

 private:
  net::Task<std::vector<queue::RoutedRecipient>> route(const mail::Envelope& envelope, const mail::Progress& progress);
  net::Task<void> enqueue(intake::Accepted message);
  net::Task<void> enqueue_loaded(spool::StoredMessage stored);
  void load(QueueId id);

  Parts parts_;
  Steward steward_;
  queue::QueueThread* queue_ = nullptr;
  std::atomic<std::shared_ptr<const routing::Router>> router_;
  std::atomic<std::shared_ptr<const Transports>> transports_;
};

}  // namespace waypost::daemon
