#include "daemon/postmaster_mail.h"

#include <utility>

namespace waypost::daemon {

void PostmasterMail::notify(smtp_server::Notice notice) {
  if (!may_send()) return;
  auto& thread = parts_.threads.next();
  thread.post([this, index = thread.index(), notice = std::move(notice)]() mutable {
    auto& group = parts_.group(index);
    if (!group.stop_requested()) group.spawn(send(std::move(notice)));
  });
}

bool PostmasterMail::may_send() {
  const std::lock_guard lock(mutex_);
  const MonoTime now = parts_.clock.mono();
  if (now - period_start_ > kPeriod) {
    if (suppressed_ > 0) parts_.log.warning("postmaster notify: {} notices were not sent", suppressed_);
    period_start_ = now;
    sent_ = suppressed_ = 0;
  }
  if (sent_ < kMaxNotices) return ++sent_ > 0;
  if (suppressed_++ == 0) {
    parts_.log.warning("postmaster notify: more than {} notices in {} seconds, the rest is not sent", kMaxNotices,
                       kPeriod.count());
  }
  return false;
}

net::Task<void> PostmasterMail::send(smtp_server::Notice notice) {
  // What is left of a short disk is for the clients' mail, and a refused client would fill it with notices.
  if (parts_.intake.check_space(notice.content.size())) {
    parts_.log.warning("postmaster notify: not sent, there is no room for it");
    co_return;
  }
  mail::Envelope envelope;
  envelope.id = parts_.intake.next_id();
  envelope.arrival = parts_.clock.wall();
  envelope.sender = std::move(notice.sender);
  envelope.recipients.push_back({.address = std::move(notice.recipient)});
  const auto verdict =
      co_await parts_.intake.submit(std::move(envelope), intake::Trace{.origin = intake::Origin::internal},
                                    {.wanted = true}, std::move(notice.content));
  if (verdict.refusal) parts_.log.warning("postmaster notify: {}", verdict.refusal->text);
}

}  // namespace waypost::daemon
