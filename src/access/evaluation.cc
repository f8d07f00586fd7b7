#include "access/evaluation.h"

#include <fmt/format.h>

#include <utility>

#include "access/inquiry.h"
#include "base/text.h"

namespace waypost::access {
namespace {

constexpr std::size_t kMaxReply = 510;  // RFC 5321 §4.5.3.1.5 without CRLF
constexpr int kTempfail = 451;

}  // namespace

const AccessSettings& Evaluation::settings() const { return policy_.settings_; }

std::string_view Evaluation::reply_class() const { return class_of(list_); }

void Evaluation::begin(const std::optional<Deferral>& defer_if_permit) {
  defer_if_permit_ = defer_if_permit;
  defer_if_reject_.reset();
  warn_only_ = false;
}

net::Task<Verdict> Evaluation::run(List list, const std::vector<Restriction>& restrictions,
                                   std::string_view reply_name) {
  list_ = list;
  reply_name_ = reply_name;
  Inquiry* const inquiry = subject_.inquiry;
  if (inquiry != nullptr) inquiry->enter(list);
  const Verdict verdict = co_await walk(restrictions, false);
  co_return verdict;
}

// `warn_only`: warn_if_reject stands before the class that these restrictions make up.
net::Task<Verdict> Evaluation::walk(const std::vector<Restriction>& restrictions, bool warn_only) {
  warn_only_ = warn_only;
  for (const Restriction& restriction : restrictions) {
    if (restriction.type != nullptr && restriction.type->is_modifier) {
      warn_only_ = true;
      continue;
    }
    const Verdict verdict = co_await apply(restriction);
    if (subject_.inquiry != nullptr) subject_.inquiry->reached(list_, restriction, verdict);
    warn_only_ = warn_only;
    if (verdict != Verdict::dunno) co_return verdict;
    // Whatever comes now, it ends in a deferral.
    if (defer_if_permit_ && defer_if_reject_) break;
  }
  warn_only_ = warn_only;  // a warn_if_reject at the end is about nothing
  co_return Verdict::dunno;
}

Verdict Evaluation::take_assumed(const Restriction& restriction, Verdict verdict) {
  if (verdict != Verdict::refuse) return verdict;
  return refuse(settings().reject_code, "5.7.1", fmt::format("refused by {}", restriction.name));
}

net::Task<Verdict> Evaluation::apply(const Restriction& restriction) {
  if (subject_.inquiry != nullptr) {
    if (const auto assumed = subject_.inquiry->assume(list_, restriction))
      co_return take_assumed(restriction, *assumed);
  }
  if (!restriction.problem.empty()) co_return misconfigured(restriction.problem);
  if (restriction.is_class) {
    const Verdict of_class = co_await walk(restriction.nested, warn_only_);
    co_return of_class;
  }
  if (restriction.type->decide != nullptr) co_return restriction.type->decide(*this);
  const Verdict verdict = co_await restriction.type->look_up(*this);
  co_return verdict;
}

Verdict Evaluation::conclude(int code, std::string_view dsn, std::string text) {
  decision_.kind = Decision::Kind::refuse;
  decision_.code = code;
  decision_.dsn = dsn;
  decision_.text = std::move(text);
  return Verdict::refuse;
}

Verdict Evaluation::refuse(int code, std::string_view dsn, std::string text) {
  if (code < 400 || code > 599) {
    decision_.warnings.push_back(fmt::format("SMTP reply code configuration error: {} {} {}", code, dsn, text));
    code = 450;
    dsn = "4.7.1";
    text = "Service unavailable";
  }
  std::string status(dsn);
  if (!warn_only_ && defer_if_reject_ && code >= 500) {
    const Deferral earlier = *std::exchange(defer_if_reject_, std::nullopt);
    code = earlier.code;
    status = earlier.dsn;
    text = earlier.text;
  }
  if (settings().soft_bounce && code >= 500) code -= 100;
  status[0] = static_cast<char>('0' + code / 100);
  text = printable(text, kMaxReply);
  if (!warn_only_) return conclude(code, status, std::move(text));
  decision_.would_refuse.push_back(fmt::format("{} {} {}", code, status, text));
  return Verdict::dunno;
}

Verdict Evaluation::lookup_failed(std::string_view name, const std::string& why) {
  decision_.warnings.push_back(why);
  return conclude(kTempfail, "4.3.0", fmt::format("<{}>: Temporary lookup failure", printable(name, kMaxReply)));
}

Verdict Evaluation::misconfigured(std::string warning) {
  decision_.warnings.push_back(std::move(warning));
  return conclude(kTempfail, "4.3.5", "Server configuration error");
}

// The first reason stays: the others would only confuse.
Verdict Evaluation::defer_later_if_permit(Deferral deferral) {
  if (warn_only_) return refuse(deferral.code, deferral.dsn, std::move(deferral.text));
  if (!defer_if_permit_) defer_if_permit_ = std::move(deferral);
  return Verdict::dunno;
}

Verdict Evaluation::defer_later_if_reject(Deferral deferral) {
  if (!defer_if_reject_) defer_if_reject_ = std::move(deferral);
  return Verdict::dunno;
}

Verdict Evaluation::force_deferral() {
  if (!defer_if_permit_) return Verdict::dunno;
  const Deferral deferral = *defer_if_permit_;
  return refuse(deferral.code, deferral.dsn, deferral.text);
}

net::Task<Result<routing::Route>> Evaluation::recipient_route() {
  if (!route_ && subject_.inquiry != nullptr) {
    if (auto assumed = subject_.inquiry->assume_route()) route_ = std::move(*assumed);
  }
  if (!route_) {
    const routing::Router& router = *policy_.router_;
    Result<routing::Route> route = co_await router.resolve(router.qualify(subject_.sender.value_or(std::string())),
                                                           router.qualify(*subject_.recipient));
    route_ = std::move(route);
  }
  co_return *route_;
}

net::Task<Verdict> Evaluation::permit_known_certificate() {
  for (const auto* print : {&subject_.certificate->key_fingerprint, &subject_.certificate->fingerprint}) {
    if (print->empty()) continue;
    const auto found = co_await policy_.client_certificates_.find({*print});
    if (!found) co_return lookup_failed(reply_name_, found.error().text);
    if (*found) co_return Verdict::permit;
  }
  co_return Verdict::dunno;
}

}  // namespace waypost::access
