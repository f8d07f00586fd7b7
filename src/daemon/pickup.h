// Takes what sendmail(1) dropped into the queue: at start, and whenever a file appears. One thread of its own, since it
// waits for files; the messages enter through intake on the io threads.
//
// A file goes when its message is on disk. One that intake cannot take now stays and is tried again; one that is no
// message is moved aside with a line in the log, never deleted.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "daemon/user_list.h"
#include "intake/drop_file.h"
#include "intake/intake.h"
#include "net/io_thread.h"
#include "net/task_group.h"

namespace waypost::daemon {

class Pickup {
 public:
  static constexpr std::size_t kBatch = 64;             // messages under way at once
  static constexpr std::chrono::seconds kRescan{60};    // for what a failed attempt left behind
  static constexpr std::size_t kFieldSpace = 32 << 20;  // a drop's fields, above message_size_limit

  struct Parts {
    std::string folder;  // of the drops
    std::string aside;   // for files that are no messages
    intake::Intake& intake;
    net::IoThreads& threads;
    std::function<net::TaskGroup&(std::size_t)> group;
    const Clock& clock;
    Log log;  // postfix/pickup
  };
  explicit Pickup(Parts parts);
  ~Pickup() { stop(); }
  Pickup(const Pickup&) = delete;
  Pickup& operator=(const Pickup&) = delete;

  // Errc::io: the folder cannot be watched.
  Result<> start();
  // Who may submit. Any thread.
  void set_users(std::shared_ptr<const UserLists> users) { users_.store(std::move(users)); }
  // Ends after the batch under way.
  void stop();

 private:
  struct Found {
    std::string name;
    std::uint32_t uid = 0;
    WallTime arrival{};
    intake::Drop drop;
  };
  void run();
  bool scan();  // true: there may be more to do at once
  std::vector<Found> collect() const;
  Result<Found> read(const std::string& name) const;
  bool submit(std::vector<Found> batch);  // true when a file went away
  net::Task<void> submit_one(Found found, std::function<void(bool)> done);
  void stays(const std::string& name, const std::string& why) const;
  void set_aside(const std::string& name, const std::string& why) const;

  Parts parts_;
  std::atomic<std::shared_ptr<const UserLists>> users_;
  int watch_fd_ = -1, stop_fd_ = -1;
  std::thread thread_;
};

}  // namespace waypost::daemon
