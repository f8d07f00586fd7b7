#include "tools/offline_queue.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/log.h"
#include "base/queue_id.h"
#include "spool/segment_spool.h"
#include "tools/owned_files.h"

namespace waypost::tools {
namespace {

// Changes `progress` as the action says; false when it is so already.
bool change(mail::Progress& progress, std::string_view action) {
  if (action == "hold") return !std::exchange(progress.held, true);
  if (action == "release") return std::exchange(progress.held, false);
  if (action == "expire") return !std::exchange(progress.force_expire, true);
  progress.held = false;  // requeue: from the start, at once
  progress.next_attempt = {};
  return true;
}

}  // namespace

Result<std::vector<std::string>> act_offline(const Context& context, std::string_view action, bool all,
                                             const std::vector<std::string>& ids) {
  const std::set<std::string> wanted(ids.begin(), ids.end());
  const auto owner = spool_owner(context);
  if (!owner) return std::unexpected(owner.error());
  OwnedFiles files(*owner);
  NullLog quiet;
  auto opened = spool::open_spool(context.paths.segments, {}, files, Log(quiet, "postsuper", 0));
  if (!opened) return std::unexpected(opened.error());
  auto& spool = **opened;
  std::map<QueueId, mail::Progress> found;
  const auto scanned = spool.scan([&](const spool::StoredMessage& stored) {
    if (all || wanted.contains(stored.envelope.id.text())) found.emplace(stored.envelope.id, stored.progress);
  });
  if (!scanned) return std::unexpected(scanned.error());
  std::vector<std::string> changed;
  for (auto& [id, progress] : found) {
    if (action == "remove") {
      spool.remove(id);
    } else if (change(progress, action)) {
      spool.record(id, progress);
    } else {
      continue;
    }
    changed.push_back(id.text());
  }
  spool.stop();
  return changed;
}

}  // namespace waypost::tools
