#include "daemon/control.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <mutex>

#include <fmt/format.h>

#include "net/completion.h"

namespace waypost::daemon {
namespace {

struct ActionTexts {
  queue::Action action;
  std::string_view each, total;
};

ActionTexts texts_of(admin::QueueAction action) {
  switch (action) {
    case admin::QueueAction::remove:
      return {queue::Action::remove, "removed", "Deleted"};
    case admin::QueueAction::hold:
      return {queue::Action::hold, "placed on hold", "Placed on hold"};
    case admin::QueueAction::release:
      return {queue::Action::release, "released from hold", "Released from hold"};
    case admin::QueueAction::requeue:
      return {queue::Action::requeue, "requeued", "Requeued"};
    case admin::QueueAction::expire:
      return {queue::Action::expire, "expired", "Force-expired"};
  }
  return {queue::Action::flush, "", ""};
}

std::string_view queue_name(queue::State state) {
  switch (state) {
    case queue::State::active:
      return "active";
    case queue::State::deferred:
      return "deferred";
    case queue::State::held:
      return "hold";
    default:
      return "incoming";
  }
}

// Collects the answers to many commands; the last one answers the waiting coroutine.
struct Gathering {
  Gathering(std::size_t count, net::Completion<std::vector<QueueId>>::Resolver answer)
      : left(count), resolve(std::move(answer)) {}
  void add(QueueId id, bool changed) {
    if (changed) done.push_back(id);
    if (--left == 0) resolve(std::move(done));
  }
  // All answers come on the queue's thread: nothing to guard.
  std::size_t left;
  std::vector<QueueId> done;
  net::Completion<std::vector<QueueId>>::Resolver resolve;
};

}  // namespace

admin::ListedMessage make_listing(const queue::QueueItem& item, const spool::StoredMessage& stored) {
  admin::ListedMessage out;
  out.queue_name = queue_name(item.state);
  out.queue_id = item.id.text();
  out.arrival_s = std::chrono::duration_cast<std::chrono::seconds>(stored.envelope.arrival.time_since_epoch()).count();
  out.size_bytes = stored.size;
  out.forced_expire = item.force_expire;
  out.sender = admin::listed_sender(stored.envelope);
  admin::add_pending_recipients(out, stored.envelope, stored.progress);
  return out;
}

net::Task<std::vector<queue::QueueItem>> Control::items() {
  net::Completion<std::vector<queue::QueueItem>> done(*net::IoThread::current());
  parts_.queue.list([all = std::vector<queue::QueueItem>(), resolve = done.resolver()](
                        std::vector<queue::QueueItem> piece, bool last) mutable {
    all.insert(all.end(), std::make_move_iterator(piece.begin()), std::make_move_iterator(piece.end()));
    if (last) resolve(std::move(all));
  });
  auto all = co_await done.wait();
  co_return all;
}

net::Task<Result<std::optional<std::string>>> Control::refused_user(admin::Permission permission, std::uint32_t uid) {
  const auto users = users_.load();
  const auto& list = permission == admin::Permission::list ? users->list : users->flush;
  auto refused = co_await list.refused(uid);
  co_return refused;
}

net::Task<std::string> Control::list() {
  auto all = co_await items();
  auto text = co_await parts_.pool.run([this, all = std::move(all)] {
    std::string out;
    for (const auto& item : all) {
      const auto stored = parts_.spool.load(item.id);
      if (stored) out += admin::format_listing_line(make_listing(item, *stored));  // else: gone meanwhile
    }
    return out;
  });
  co_return text.value_or("");
}

net::Task<std::vector<QueueId>> Control::act(admin::QueueAction action, admin::Selection selection) {
  const auto texts = texts_of(action);
  if (selection.all) {
    selection.ids.clear();
    const auto all = co_await items();
    for (const auto& item : all) selection.ids.push_back(item.id);
  }
  if (selection.ids.empty()) co_return std::vector<QueueId>();
  net::Completion<std::vector<QueueId>> done(*net::IoThread::current());
  const auto gathering = std::make_shared<Gathering>(selection.ids.size(), done.resolver());
  for (const auto id : selection.ids) {
    parts_.queue.command(texts.action, id,
                         [gathering, id](queue::Answer answer) { gathering->add(id, answer == queue::Answer::done); });
  }
  auto changed = co_await done.wait();
  if (!selection.all) {
    for (const auto id : changed) parts_.log.info("{}: {}", id.text(), texts.each);
  }
  if (!changed.empty())
    parts_.log.info("{}: {} message{}", texts.total, changed.size(), changed.size() == 1 ? "" : "s");
  co_return changed;
}

net::Task<void> Control::flush(std::optional<QueueId> id) {
  net::Completion<bool> done(*net::IoThread::current());
  if (id) {
    parts_.queue.command(queue::Action::flush, *id,
                         [resolve = done.resolver()](queue::Answer) mutable { resolve(true); });
  } else {
    parts_.queue.command_all(queue::Action::flush, [resolve = done.resolver()](std::size_t) mutable { resolve(true); });
  }
  co_await done.wait();
}

net::Task<admin::ReloadOutcome> Control::reload() {
  auto outcome = co_await parts_.pool.run([this] { return parts_.reload(); });
  if (!outcome) co_return admin::ReloadOutcome{false, {outcome.error().text}};
  co_return std::move(*outcome);
}

net::Task<std::string> Control::status() {
  net::Completion<queue::Counts> done(*net::IoThread::current());
  parts_.queue.counts([resolve = done.resolver()](queue::Counts counts) mutable { resolve(counts); });
  const auto counts = co_await done.wait();
  co_return fmt::format(
      R"({{"pid": {}, "config_directory": "{}", "incoming": {}, "active": {}, "deferred": {}, "hold": {}, "in_flight": {}, "lanes": {}}})"
      "\n",
      ::getpid(), parts_.config_directory, counts.incoming, counts.active, counts.deferred, counts.held,
      counts.in_flight, counts.lanes);
}

}  // namespace waypost::daemon
