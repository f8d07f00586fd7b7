// Composes the notices that the queue asks for and sends them through intake, as any other mail.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "intake/intake.h"
#include "net/blocking.h"
#include "net/io_thread.h"
#include "net/task_group.h"
#include "queue/ports.h"
#include "queue/queue_thread.h"
#include "report/bounce.h"

namespace waypost::daemon {

class Notifier {
 public:
  struct Parts {
    intake::Intake& intake;
    net::IoThreads& threads;
    std::function<net::TaskGroup&(std::size_t)> group;  // one an io thread
    net::BlockingPool& pool;                            // originals are read here
    const Clock& clock;
    Log log;  // postfix/bounce
  };
  Notifier(Parts parts, std::shared_ptr<const report::Settings> settings);

  void connect(queue::QueueThread& queue) { queue_ = &queue; }
  void set_settings(std::shared_ptr<const report::Settings> settings) { settings_.store(std::move(settings)); }

  // Any thread. All but delay notices are answered with QueueThread::notified: true when it is on disk or none is due.
  void notify(queue::NoticeRequest request);

 private:
  net::Task<void> send(queue::NoticeRequest request);
  // True when nothing is left to do about it.
  net::Task<bool> submit(std::shared_ptr<const queue::NoticeRequest> request, report::Kind kind);

  Parts parts_;
  queue::QueueThread* queue_ = nullptr;
  std::atomic<std::shared_ptr<const report::Settings>> settings_;
};

}  // namespace waypost::daemon
