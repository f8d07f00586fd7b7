#include "daemon/notifier.h"

#include <utility>

#include "events/events.h"

namespace waypost::daemon {
namespace {

std::optional<report::ComposedNotice> compose(const queue::NoticeRequest& request, const report::Settings& settings,
                                              WallTime now) {
  std::vector<report::RecipientReport> recipients;
  recipients.reserve(request.outcomes.size());
  for (const auto& outcome : request.outcomes) {
    recipients.push_back({outcome.recipient, outcome.dsn, outcome.text, outcome.remote_mta, outcome.remote_reply});
  }
  const report::Original original{request.envelope.get(), request.size, [&](std::uint64_t offset, std::size_t limit) {
                                    return request.body->read(offset, limit);
                                  }};
  const auto kind = request.kind == queue::NoticeRequest::Kind::failure ? report::Kind::failure : report::Kind::delay;
  return report::compose(kind, original, recipients, settings, now);
}

mail::Envelope envelope_of(const report::ComposedNotice& notice, QueueId id, WallTime now) {
  mail::Envelope envelope;
  envelope.id = id;
  envelope.arrival = now;
  envelope.sender = notice.sender;
  envelope.recipients.push_back({.address = notice.recipient});
  envelope.encoding = notice.encoding;
  envelope.smtputf8 = notice.smtputf8;
  return envelope;
}

}  // namespace

Notifier::Notifier(Parts parts, std::shared_ptr<const report::Settings> settings)
    : parts_(std::move(parts)), settings_(std::move(settings)) {}

void Notifier::notify(queue::NoticeRequest request) {
  auto& thread = parts_.threads.next();
  thread.post([this, index = thread.index(), request = std::move(request)]() mutable {
    parts_.group(index).spawn(send(std::move(request)));
  });
}

net::Task<void> Notifier::send(queue::NoticeRequest request) {
  const QueueId id = request.envelope->id;
  const bool wants_answer = request.kind == queue::NoticeRequest::Kind::failure;
  const auto shared = std::make_shared<const queue::NoticeRequest>(std::move(request));
  const bool done = co_await submit(shared);
  if (wants_answer) queue_->notified(id, done);
}

net::Task<bool> Notifier::submit(std::shared_ptr<const queue::NoticeRequest> request) {
  const auto settings = settings_.load();
  const auto now = parts_.clock.wall();
  auto composed = co_await parts_.pool.run([request, settings, now] { return compose(*request, *settings, now); });
  if (!composed) {
    parts_.log.warning("{}: cannot compose a notice: {}", request->envelope->id.text(), composed.error().text);
    co_return false;
  }
  if (!composed->has_value()) co_return true;  // the null sender, or NOTIFY=NEVER
  auto& notice = **composed;
  auto envelope = envelope_of(notice, parts_.intake.next_id(), now);
  const auto verdict =
      co_await parts_.intake.submit(std::move(envelope), intake::Trace{.origin = intake::Origin::internal},
                                    {.wanted = true}, std::move(notice.content));
  if (verdict.refusal) {
    parts_.log.warning("{}: notice not queued: {}", request->envelope->id.text(), verdict.refusal->text);
    co_return false;
  }
  const auto kind = request->kind == queue::NoticeRequest::Kind::failure ? events::Notice::sender_failure
                                                                         : events::Notice::sender_delay;
  events::notice_sent(parts_.log, request->envelope->id, kind, verdict.id);
  co_return true;
}

}  // namespace waypost::daemon
