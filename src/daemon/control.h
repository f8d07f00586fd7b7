// The commands of the control API, on the running relay.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admin/commands.h"
#include "admin/queue_listing.h"
#include "base/log.h"
#include "daemon/user_list.h"
#include "net/blocking.h"
#include "queue/queue_thread.h"
#include "spool/spool.h"

namespace waypost::daemon {

class Control final : public admin::Commands {
 public:
  struct Parts {
    queue::QueueThread& queue;
    spool::Spool& spool;
    net::BlockingPool& pool;  // reads the spool, reloads
    Log log;                  // postfix/postsuper
    std::function<admin::ReloadOutcome()> reload;
    std::function<void()> stop;
    std::string config_directory;
  };
  explicit Control(Parts parts) : parts_(std::move(parts)) {}

  // Of the configuration in use. Any thread.
  void set_users(std::shared_ptr<const UserLists> users) { users_.store(std::move(users)); }

  net::Task<Result<std::optional<std::string>>> refused_user(admin::Permission permission, std::uint32_t uid) override;
  net::Task<std::string> list() override;
  net::Task<std::vector<QueueId>> act(admin::QueueAction action, admin::Selection selection) override;
  net::Task<void> flush(std::optional<QueueId> id) override;
  net::Task<admin::ReloadOutcome> reload() override;
  void stop() override { parts_.stop(); }
  net::Task<std::string> status() override;

 private:
  net::Task<std::vector<queue::QueueItem>> items();

  Parts parts_;
  std::atomic<std::shared_ptr<const UserLists>> users_;
};

// One entry of the listing: what the queue knows, with addresses and reasons from the spool.
admin::ListedMessage make_listing(const queue::QueueItem& item, const spool::StoredMessage& stored);

}  // namespace waypost::daemon
