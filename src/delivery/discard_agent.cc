#include "delivery/discard_agent.h"

#include "events/events.h"
#include "mail/dsn.h"

namespace waypost::delivery {

void DiscardAgent::deliver(Request request, ReportSink done) {
  std::string_view text = request.nexthop;
  const auto given = mail::take_status(text);
  const std::string dsn = given && given->klass == 2 ? given->text() : "2.0.0";
  const WallTime now = clock_.wall();
  Report report{.serial = request.serial};
  for (const std::uint32_t recipient : request.recipients) {
    events::delivery(log_, {.id = request.envelope->id,
                            .recipient = &request.envelope->recipients[recipient],
                            .times = {.arrival = request.envelope->arrival,
                                      .active = request.active_since,
                                      .started = request.started,
                                      .done = now},
                            .dsn = dsn,
                            .status = "sent",
                            .text = text});
    report.outcomes.push_back({.recipient = recipient,
                               .status = Status::sent,
                               .handover = Handover::delivered,
                               .dsn = dsn,
                               .text = std::string(text)});
  }
  done(std::move(report));
}

}  // namespace waypost::delivery
