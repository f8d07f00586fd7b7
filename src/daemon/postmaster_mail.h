// Sends what sessions leave for the postmaster through intake, as any other mail. Bounded: a client that makes trouble
// without end does not fill the queue with it. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

#include "base/clock.h"
#include "base/log.h"
#include "intake/intake.h"
#include "net/io_thread.h"
#include "net/task_group.h"
#include "smtp_server/ports.h"

namespace waypost::daemon {

class PostmasterMail final : public smtp_server::NoticePort {
 public:
  static constexpr std::uint32_t kMaxNotices = 60;  // in
  static constexpr std::chrono::seconds kPeriod{60};

  struct Parts {
    intake::Intake& intake;
    net::IoThreads& threads;
    std::function<net::TaskGroup&(std::size_t)> group;  // one an io thread
    const Clock& clock;
    Log log;  // postfix/smtpd
  };
  explicit PostmasterMail(Parts parts) : parts_(std::move(parts)) {}

  void notify(smtp_server::Notice notice) override;

 private:
  bool may_send();
  net::Task<void> send(smtp_server::Notice notice);

  Parts parts_;
  std::mutex mutex_;
  MonoTime period_start_{};
  std::uint32_t sent_ = 0, suppressed_ = 0;  // in this period
};

}  // namespace waypost::daemon
