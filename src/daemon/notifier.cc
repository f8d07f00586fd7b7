#include "daemon/notifier.h"

#include <utility>

#include "events/events.h"

namespace waypost::daemon {
namespace {

// One kind of request, the notice to the sender, the copy for the postmaster, and how the log calls them.
struct Form {
  report::Kind kind;
  std::optional<report::Kind> copy;
  events::Notice name;
};

Form form_of(queue::NoticeRequest::Kind kind) {
  using Request = queue::NoticeRequest::Kind;
  switch (kind) {
    case Request::failure:
      return {report::Kind::failure, report::Kind::postmaster_failure, events::Notice::sender_failure};
    case Request::delay:
      return {report::Kind::delay, report::Kind::postmaster_delay, events::Notice::sender_delay};
    case Request::success:
      return {report::Kind::success, std::nullopt, events::Notice::sender_status};
    case Request::delay_cleared:
      return {report::Kind::delay_cleared, std::nullopt, events::Notice::sender_status};
  }
  return {report::Kind::failure, std::nullopt, events::Notice::sender_failure};
}

events::Notice name_of(report::Kind kind, events::Notice to_sender) {
  if (kind == report::Kind::postmaster_failure) return events::Notice::postmaster_failure;
  if (kind == report::Kind::postmaster_delay) return events::Notice::postmaster_delay;
  return to_sender;
}

std::optional<report::ComposedNotice> compose(const queue::NoticeRequest& request, report::Kind kind,
                                              const report::Settings& settings, WallTime now) {
  std::vector<report::RecipientReport> recipients;
  recipients.reserve(request.outcomes.size());
  for (const auto& outcome : request.outcomes) {
    recipients.push_back({.recipient = outcome.recipient,
                          .dsn = outcome.dsn,
                          .reason = outcome.text,
                          .remote_mta = outcome.remote_mta,
                          .remote_reply = outcome.remote_reply,
                          .delivered = outcome.handover == delivery::Handover::delivered});
  }
  const report::Original original{request.envelope.get(), request.size, [&](std::uint64_t offset, std::size_t limit) {
                                    return request.body->read(offset, limit);
                                  }};
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
  const auto form = form_of(request.kind);
  const bool wants_answer = request.kind != queue::NoticeRequest::Kind::delay;
  const bool has_copy =
      form.copy && !report::postmaster_for(*form.copy, request.envelope->sender.empty(), *settings_.load()).empty();
  const auto shared = std::make_shared<const queue::NoticeRequest>(std::move(request));
  const bool done = co_await submit(shared, form.kind);
  // The copy is a courtesy: when it fails the log has said so, and nothing is repeated for it.
  if (done && has_copy) co_await submit(shared, *form.copy);
  if (wants_answer) queue_->notified(id, done);
}

net::Task<bool> Notifier::submit(std::shared_ptr<const queue::NoticeRequest> request, report::Kind kind) {
  const auto settings = settings_.load();
  const auto now = parts_.clock.wall();
  auto composed =
      co_await parts_.pool.run([request, kind, settings, now] { return compose(*request, kind, *settings, now); });
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
  events::notice_sent(parts_.log, request->envelope->id, name_of(kind, form_of(request->kind).name), verdict.id);
  co_return true;
}

}  // namespace waypost::daemon
