#include "access/policy.h"

#include <fmt/format.h>

#include <utility>

#include "access/evaluation.h"
#include "access/restrictions.h"
#include "base/text.h"

namespace waypost::access {
namespace {

constexpr std::string_view kPostmaster = "postmaster";  // RFC 5321 §4.5.1: accepted without a domain, always

std::string client_of(const Subject& subject) {
  return fmt::format("{}[{}]{}{}", subject.client_name, subject.client_address, subject.client_port.empty() ? "" : ":",
                     subject.client_port);
}

}  // namespace

std::string Decision::reply() const { return fmt::format("{} {} {}", code, dsn, text); }

Policy::Policy(const AccessSettings& settings) : settings_(settings) {}
Policy::~Policy() = default;

net::Task<Result<bool>> Policy::is_mynetworks(std::string name, std::string address) const {
  return mynetworks_.matches_host(std::move(name), std::move(address));
}

bool Policy::is_own_address(std::string_view address) const { return router_->domains().is_own_address(address); }

net::Task<Verdict> Policy::run_client(Evaluation& evaluation, Memory& memory) const {
  evaluation.begin(std::nullopt);
  const Verdict verdict = co_await evaluation.run(List::client, client_, client_of(evaluation.subject()));
  memory.after_client = evaluation.defer_if_permit();
  co_return verdict;
}

net::Task<Verdict> Policy::run_helo(Evaluation& evaluation, Memory& memory) const {
  const auto& helo = evaluation.subject().helo;
  if (!helo) co_return Verdict::dunno;
  evaluation.begin(memory.after_client);
  const Verdict verdict = co_await evaluation.run(List::helo, helo_, *helo);
  memory.after_helo = evaluation.defer_if_permit();
  co_return verdict;
}

net::Task<Verdict> Policy::run_sender(Evaluation& evaluation, Memory& memory) const {
  const auto& sender = evaluation.subject().sender;
  if (!sender) co_return Verdict::dunno;
  evaluation.begin(memory.after_helo ? memory.after_helo : memory.after_client);
  const Verdict verdict = co_await evaluation.run(List::sender, sender_, *sender);
  memory.after_sender = evaluation.defer_if_permit();
  if (verdict == Verdict::refuse || !settings_.reject_unlisted_sender || sender->empty()) co_return verdict;
  const Verdict unlisted = co_await refuse_unlisted_sender(evaluation);
  co_return unlisted == Verdict::refuse ? unlisted : verdict;
}

net::Task<Verdict> Policy::run_recipient(Evaluation& evaluation, const Memory& memory) const {
  const std::pair<List, const std::vector<Restriction>*> relay{List::relay, &relay_};
  const std::pair<List, const std::vector<Restriction>*> recipient{List::recipient, &recipient_};
  const bool relay_first = settings_.relay_before_recipient;
  evaluation.begin(memory.after_sender);
  for (const auto& [list, restrictions] : {relay_first ? relay : recipient, relay_first ? recipient : relay}) {
    const Verdict verdict = co_await evaluation.run(list, *restrictions, *evaluation.subject().recipient);
    if (verdict == Verdict::refuse) co_return verdict;
  }
  co_return evaluation.force_deferral();
}

net::Task<Decision> Policy::check_connect(const Subject& subject, Memory& memory) const {
  Decision decision;
  if (settings_.delay_reject) co_return decision;
  Evaluation evaluation(*this, subject, decision);
  co_await run_client(evaluation, memory);
  co_return decision;
}

net::Task<Decision> Policy::check_helo(const Subject& subject, Memory& memory) const {
  Decision decision;
  if (settings_.delay_reject) co_return decision;
  Evaluation evaluation(*this, subject, decision);
  co_await run_helo(evaluation, memory);
  co_return decision;
}

net::Task<Decision> Policy::check_mail(const Subject& subject, Memory& memory) const {
  Decision decision;
  if (settings_.delay_reject) co_return decision;
  Evaluation evaluation(*this, subject, decision);
  co_await run_sender(evaluation, memory);
  co_return decision;
}

net::Task<Decision> Policy::check_rcpt(const Subject& subject, Memory& memory) const {
  Decision decision;
  if (!subject.recipient || iequals(*subject.recipient, kPostmaster)) co_return decision;
  Evaluation evaluation(*this, subject, decision);
  const Verdict bad = co_await refuse_bad_recipient(evaluation);
  if (bad == Verdict::refuse) co_return decision;
  if (settings_.delay_reject) {
    const Verdict client = co_await run_client(evaluation, memory);
    if (client == Verdict::refuse) co_return decision;
    const Verdict helo = co_await run_helo(evaluation, memory);
    if (helo == Verdict::refuse) co_return decision;
    const Verdict sender = co_await run_sender(evaluation, memory);
    if (sender == Verdict::refuse) co_return decision;
  }
  const Verdict verdict = co_await run_recipient(evaluation, memory);
  if (verdict == Verdict::refuse || !settings_.reject_unlisted_recipient) co_return decision;
  co_await refuse_unlisted_recipient(evaluation);
  co_return decision;
}

net::Task<Decision> Policy::check_etrn(const Subject& subject, Memory& memory) const {
  Decision decision;
  Evaluation evaluation(*this, subject, decision);
  if (settings_.delay_reject) {
    const Verdict client = co_await run_client(evaluation, memory);
    if (client == Verdict::refuse) co_return decision;
    const Verdict helo = co_await run_helo(evaluation, memory);
    if (helo == Verdict::refuse) co_return decision;
  }
  evaluation.begin(memory.after_helo ? memory.after_helo : memory.after_client);
  const Verdict verdict = co_await evaluation.run(List::etrn, etrn_, subject.recipient.value_or(""));
  if (verdict != Verdict::refuse) evaluation.force_deferral();
  co_return decision;
}

net::Task<Decision> Policy::check_data(const Subject& subject) const {
  Decision decision;
  Evaluation evaluation(*this, subject, decision);
  const Verdict verdict = co_await evaluation.run(List::data, data_, "DATA");
  if (verdict != Verdict::refuse) evaluation.force_deferral();
  co_return decision;
}

net::Task<Decision> Policy::check_end_of_data(const Subject& subject) const {
  Decision decision;
  Evaluation evaluation(*this, subject, decision);
  const Verdict verdict = co_await evaluation.run(List::end_of_data, end_of_data_, "END-OF-MESSAGE");
  if (verdict != Verdict::refuse) evaluation.force_deferral();
  co_return decision;
}

}  // namespace waypost::access
