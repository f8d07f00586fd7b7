#include "delivery/error_agent.h"

#include "events/events.h"
#include "mail/dsn.h"

namespace waypost::delivery {

namespace {

struct Decision {
  Status status;
  std::string dsn, text;
  std::string_view word;
};

Decision decide(ErrorAgent::Kind kind, std::string_view nexthop, bool soft_bounce) {
  if (kind == ErrorAgent::Kind::unavailable) {
    return {Status::deferred, "4.3.0", "mail transport unavailable", "deferred"};
  }
  const bool bounce = kind == ErrorAgent::Kind::error;
  const auto given = mail::take_status(nexthop);
  const std::uint8_t klass = bounce ? 5 : 4;
  std::string dsn = given && given->klass == klass ? given->text() : bounce ? "5.0.0" : "4.0.0";
  if (!bounce) return {Status::deferred, std::move(dsn), std::string(nexthop), "deferred"};
  if (soft_bounce) return {Status::deferred, mail::with_class(dsn, 4), std::string(nexthop), "SOFTBOUNCE"};
  return {Status::bounced, std::move(dsn), std::string(nexthop), "bounced"};
}

}  // namespace

void ErrorAgent::deliver(Request request, ReportSink done) {
  const Decision decision = decide(kind_, request.nexthop, soft_bounce_);
  const WallTime now = clock_.wall();
  Report report{.serial = request.serial};
  for (const std::uint32_t recipient : request.recipients) {
    events::delivery(log_, {.id = request.envelope->id,
                            .recipient = &request.envelope->recipients[recipient],
                            .times = {.arrival = request.envelope->arrival,
                                      .active = request.active_since,
                                      .started = request.started,
                                      .done = now},
                            .dsn = decision.dsn,
                            .status = decision.word,
                            .text = decision.text});
    report.outcomes.push_back(
        {.recipient = recipient, .status = decision.status, .dsn = decision.dsn, .text = decision.text});
  }
  done(std::move(report));
}

}  // namespace waypost::delivery
