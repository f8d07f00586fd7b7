// What the control API can ask of the relay. The daemon implements it; the API only speaks HTTP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/queue_id.h"
#include "base/result.h"
#include "net/task.h"

namespace waypost::admin {

enum class QueueAction : unsigned char { remove, hold, release, requeue, expire };

// Which messages an action is about.
struct Selection {
  bool all = false;
  std::vector<QueueId> ids;
};

// What not every user may do (authorized_mailq_users, authorized_flush_users).
enum class Permission : unsigned char { list, flush };

struct ReloadOutcome {
  bool accepted = false;
  std::vector<std::string> lines;  // findings when refused, what changed when accepted
};

// All functions run on the io thread of the control connection and may suspend.
class Commands {
 public:
  virtual ~Commands() = default;
  // The name of the user when he may not; nullopt: he may. An error: nobody can tell now.
  virtual net::Task<Result<std::optional<std::string>>> refused_user(Permission permission, std::uint32_t uid) = 0;
  // JSON lines, one message a line, as postqueue -j prints them.
  virtual net::Task<std::string> list() = 0;
  // The messages that the action found and changed.
  virtual net::Task<std::vector<QueueId>> act(QueueAction action, Selection selection) = 0;
  // Try everything (or one message) now, whatever its schedule says.
  virtual net::Task<void> flush(std::optional<QueueId> id) = 0;
  virtual net::Task<ReloadOutcome> reload() = 0;
  virtual void stop() = 0;
  // One JSON object: pid, version, configuration directory, messages by state.
  virtual net::Task<std::string> status() = 0;
};

}  // namespace waypost::admin
