#include "daemon/dispatcher.h"

#include "base/assert.h"

namespace waypost::daemon {

Dispatcher::Dispatcher(Parts parts, std::shared_ptr<const routing::Router> router,
                       std::shared_ptr<const Transports> transports)
    : parts_(std::move(parts)), router_(std::move(router)), transports_(std::move(transports)) {}

void Dispatcher::accepted(intake::Accepted message) {
  auto* const thread = net::IoThread::current();
  WAYPOST_ASSERT(thread != nullptr);
  parts_.group(thread->index()).spawn(enqueue(std::move(message)));
}

// Routes of the recipients that are still to be delivered. A lookup that fails defers that recipient, as Postfix does.
net::Task<std::vector<queue::RoutedRecipient>> Dispatcher::route(const mail::Envelope& envelope,
                                                                 const mail::Progress& progress) {
  const auto router = router_.load();
  std::vector<queue::RoutedRecipient> out;
  out.reserve(envelope.recipients.size());
  for (std::uint32_t i = 0; i < envelope.recipients.size(); ++i) {
    if (i < progress.recipients.size() && progress.recipients[i].state != mail::RecipientState::pending) continue;
    auto resolved = co_await router->resolve(envelope.sender, envelope.recipients[i].address);
    if (resolved) {
      out.push_back({i, std::move(resolved->transport), std::move(resolved->nexthop)});
    } else {
      parts_.log.warning("{}: {}", envelope.id.text(), resolved.error().text);
      out.push_back({i, std::string(routing::kRetryTransport), "4.3.0 address resolver failure"});
    }
  }
  co_return out;
}

net::Task<void> Dispatcher::enqueue(intake::Accepted message) {
  auto routes = co_await route(*message.envelope, {});
  auto body = parts_.bodies.make(message.envelope->id, message.size, std::move(message.content));
  queue_->add({.envelope = std::move(message.envelope),
               .size = message.size,
               .recipients = std::move(routes),
               .body = std::move(body)});
}

net::Task<void> Dispatcher::enqueue_loaded(spool::StoredMessage stored) {
  auto envelope = std::make_shared<const mail::Envelope>(std::move(stored.envelope));
  const QueueId id = envelope->id;
  auto routes = co_await route(*envelope, stored.progress);
  auto body = parts_.bodies.make(id, stored.size, nullptr);
  queue_->activated({.id = id,
                     .arrival = {.envelope = std::move(envelope),
                                 .size = stored.size,
                                 .recipients = std::move(routes),
                                 .body = std::move(body),
                                 .held = stored.progress.held},
                     .progress = std::move(stored.progress)});
}

void Dispatcher::load(QueueId id) {
  using queue::Activation;
  auto stored = parts_.spool.load(id);
  if (!stored) {
    const auto result =
        stored.error().code == Errc::not_found ? Activation::Result::gone : Activation::Result::unavailable;
    queue_->activated({.id = id, .result = result, .error = stored.error().text});
    return;
  }
  auto& thread = parts_.threads.next();
  thread.post([this, index = thread.index(), message = std::move(*stored)]() mutable {
    parts_.group(index).spawn(enqueue_loaded(std::move(message)));
  });
}

void Dispatcher::deliver(delivery::Request request) {
  const auto transports = transports_.load();
  const auto found = transports->agents.find(request.transport);
  const auto& agent = found == transports->agents.end() ? transports->missing : found->second;
  agent->deliver(std::move(request), queue_->report_sink());
}

void Dispatcher::activate(QueueId id) {
  steward_.enqueue(id, [this, id] { load(id); });
}

void Dispatcher::record(QueueId id, mail::Progress progress) {
  steward_.in_order(id, [this, id, progress = std::move(progress)] { parts_.spool.record(id, progress); });
}

void Dispatcher::amend(QueueId id, const mail::Progress& marks) {
  steward_.enqueue(id, [this, id, held = marks.held, expire = marks.force_expire, next = marks.next_attempt] {
    auto stored = parts_.spool.load(id);
    if (!stored) return;  // gone meanwhile: nothing to change
    stored->progress.held = held;
    stored->progress.force_expire = expire;
    stored->progress.next_attempt = next;
    parts_.spool.record(id, stored->progress);
  });
}

void Dispatcher::remove(QueueId id) {
  steward_.in_order(id, [this, id] { parts_.spool.remove(id); });
}

}  // namespace waypost::daemon
