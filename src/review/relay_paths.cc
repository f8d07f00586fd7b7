#include "review/relay_paths.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "config/values.h"
#include "review/text_table.h"
#include "review/word_place.h"

namespace waypost::review {
namespace {

using access::List;
using access::Restriction;
using access::Verdict;

// Decided by what the files say and by the class of the client: evaluated as they are.
constexpr std::array<std::string_view, 12> kDecided = {"permit",
                                                       "reject",
                                                       "defer",
                                                       "defer_if_permit",
                                                       "defer_if_reject",
                                                       "reject_plaintext_session",
                                                       "permit_mynetworks",
                                                       "permit_inet_interfaces",
                                                       "permit_sasl_authenticated",
                                                       "permit_auth_destination",
                                                       "reject_unauth_destination",
                                                       "defer_unauth_destination"};

constexpr std::array<std::string_view, 3> kCertificateWords = {"permit_tls_clientcerts", "permit_tls_all_clientcerts",
                                                               "check_ccert_access"};
// The client decides these by what it says, or by a name that is in its own hands.
constexpr std::array<std::string_view, 4> kForgeable = {"check_sender_", "check_helo_",
                                                        "check_reverse_client_hostname_", "permit_rhswl_"};
// access(5) results that never let mail through.
constexpr std::array<std::string_view, 13> kHarmless = {"reject", "defer",  "bcc",           "discard", "dunno",
                                                        "filter", "hold",   "info",          "prepend", "redirect",
                                                        "warn",   "hangup", "warn_if_reject"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::any_of(words, [&](std::string_view known) { return iequals(known, word); });
}

bool is_forgeable(std::string_view name) {
  return std::ranges::any_of(kForgeable, [&](std::string_view start) { return istarts_with(name, start); });
}

bool result_may_permit(std::string_view value) {
  const std::string_view word = value.substr(0, value.find_first_of(" \t,"));
  if (word.empty()) return false;
  if (std::ranges::all_of(word, is_digit)) return word.size() != 3 || (word[0] != '4' && word[0] != '5');
  return !holds(kHarmless, word) && !istarts_with(word, "reject_") && !istarts_with(word, "defer_");
}

// What the rows of a table that can be read may answer.
struct TableAnswers {
  bool may_permit = true;
  bool permits_all = false;  // also who is in no other row
};

// A pattern that fits every client and address.
bool is_catch_all(const TextTable& table, std::string_view key) {
  constexpr std::array<std::string_view, 6> kAll = {"0.0.0.0/0", "::/0", "/./", "/^/", "/.*/", "/^.*$/"};
  return table.patterns ? holds(kAll, key) : key.empty();  // the key of static: is empty
}

TableAnswers answers_of(std::string_view name) {
  const auto table = read_text_table(name);
  if (!table) return {};
  TableAnswers out{.may_permit = false};
  for (const TableRow& row : table->rows) {
    const bool permits = result_may_permit(row.value);
    out.may_permit |= permits;
    if (!is_catch_all(*table, row.key)) continue;
    out.permits_all |= permits;
    break;
  }
  return out;
}

// Stage by stage, as a session goes: what has not been said yet is not known.
net::Task<access::Decision> walk(std::shared_ptr<const access::Policy> policy, access::Subject whole,
                                 bool several_recipients) {
  access::Memory memory;
  access::Subject subject = whole;
  subject.helo.reset();
  subject.sender.reset();
  subject.recipient.reset();
  access::Decision decision = co_await policy->check_connect(subject, memory);
  if (!decision.permitted()) co_return decision;
  if (subject.helo = whole.helo; subject.helo) {
    decision = co_await policy->check_helo(subject, memory);
    if (!decision.permitted()) co_return decision;
  }
  subject.sender = whole.sender;
  decision = co_await policy->check_mail(subject, memory);
  if (!decision.permitted()) co_return decision;
  subject.recipient = whole.recipient;
  decision = co_await policy->check_rcpt(subject, memory);
  if (!decision.permitted()) co_return decision;
  if (several_recipients) subject.recipient.reset();
  decision = co_await policy->check_data(subject);
  if (!decision.permitted()) co_return decision;
  decision = co_await policy->check_end_of_data(subject);
  co_return decision;
}

// One walk after the other: each takes another of the verdicts that an undecided restriction may give.
class Walk final : public access::Inquiry {
 public:
  Walk(const access::Subject& subject, const Assumptions& assumptions)
      : is_authenticated_(!subject.sasl_method.empty()),
        shows_certificate_(subject.certificate.has_value()),
        assumptions_(assumptions) {}

  struct Visit {
    List list = List::client;
    const Restriction* restriction = nullptr;
    Verdict verdict = Verdict::dunno;
    int occurrence = 0;  // of its name in the list
  };
  struct Choice {
    std::size_t visit = 0;  // its index among the visits
    std::vector<Verdict> options;
    std::size_t taken = 0;

    Verdict verdict() const { return options[taken]; }
  };

  void begin() {
    visits_.clear();
    next_ = 0;
  }
  // From now on each restriction that may give this verdict gives it, too. Until then all hold back.
  void vary(Verdict verdict) {
    varied_ = verdict;
    choices_.clear();
  }
  // To the next combination; false when all were walked.
  bool advance() {
    while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().options.size()) choices_.pop_back();
    if (choices_.empty()) return false;
    ++choices_.back().taken;
    return true;
  }
  const std::vector<Visit>& visits() const { return visits_; }
  const std::vector<Choice>& choices() const { return choices_; }

  std::optional<Verdict> assume(List list, const Restriction& restriction) override {
    visits_.push_back({list, &restriction, Verdict::dunno, occurrences(restriction)});
    if (iequals(restriction.name, "permit_mynetworks") && assumptions_.in_own_networks)
      return *assumptions_.in_own_networks ? Verdict::permit : Verdict::dunno;
    if (holds(kCertificateWords, restriction.name) && assumptions_.client != ClientClass::certificate) {
      if (shows_certificate_ && restriction.type->is_built()) return std::nullopt;
      return Verdict::dunno;
    }
    if (restriction.type == nullptr || restriction.type->is_removed() || holds(kDecided, restriction.name))
      return std::nullopt;
    if (restriction.type->is_built() && !restriction.problem.empty()) return std::nullopt;
    return choose(restriction);
  }

  std::optional<routing::Route> assume_route() override { return assumptions_.route; }

  void enter(List) override { entered_ = visits_.size(); }

  // The last visit, or, of a class of restrictions, one before those of its own list.
  void reached(List, const Restriction& restriction, Verdict verdict) override {
    const auto visit = std::ranges::find(visits_.rbegin(), visits_.rend(), &restriction, &Visit::restriction);
    if (visit != visits_.rend()) visit->verdict = verdict;
  }

 private:
  int occurrences(const Restriction& restriction) const {
    int count = 0;
    for (std::size_t i = entered_; i < visits_.size(); ++i) {
      count += iequals(visits_[i].restriction->name, restriction.name) ? 1 : 0;
    }
    return count;
  }

  std::vector<Verdict> options_of(const Restriction& restriction) const {
    const std::string_view name = restriction.name;
    if (iequals(name, "sleep")) return {Verdict::dunno};
    if (iequals(name, "check_sasl_access") && !is_authenticated_) return {Verdict::dunno};
    if (istarts_with(name, "permit_tls_")) return {Verdict::permit};  // by the class of the client
    if (istarts_with(name, "permit_")) return {Verdict::dunno, Verdict::permit};
    if (!istarts_with(name, "check_")) return {Verdict::dunno, Verdict::refuse};
    const bool asks_table = restriction.type->argument == access::Argument::table;
    const TableAnswers answers = asks_table ? answers_of(restriction.argument) : TableAnswers();
    if (answers.permits_all) return {Verdict::permit};
    if (!answers.may_permit) return {Verdict::dunno, Verdict::refuse};
    return {Verdict::dunno, Verdict::permit, Verdict::refuse};
  }

  Verdict choose(const Restriction& restriction) {
    if (next_ == choices_.size()) {
      auto options = options_of(restriction);
      std::erase_if(options, [&](Verdict option) { return option != options.front() && option != varied_; });
      choices_.push_back({visits_.size() - 1, std::move(options), 0});
    }
    Choice& choice = choices_[next_++];
    choice.visit = visits_.size() - 1;
    return choice.verdict();
  }

  bool is_authenticated_;
  bool shows_certificate_;
  const Assumptions& assumptions_;
  std::vector<Visit> visits_;
  std::vector<Choice> choices_;
  Verdict varied_ = Verdict::dunno;
  std::size_t next_ = 0;     // the choice that comes next in this walk
  std::size_t entered_ = 0;  // the first visit of the list at hand
};

class Explorer {
 public:
  Explorer(const config::Configuration& configuration, const Listener& listener)
      : configuration_(configuration), listener_(listener) {}

  Ruling ruling_of(const access::Decision& decision, const Walk& walk) const {
    Ruling ruling;
    if (!decision.permitted()) {
      ruling.outcome = decision.code >= 500 ? Outcome::reject : Outcome::defer;
      ruling.reply = decision.reply();
      if (decision.code == 451 && !decision.warnings.empty()) ruling.reply += " (" + decision.warnings.back() + ")";
    }
    ruling.decided_by = decided_by(decision, walk.visits());
    for (const Walk::Choice& choice : walk.choices()) {
      const Walk::Visit& visit = walk.visits()[choice.visit];
      if (choice.options.size() == 1 || choice.verdict() == Verdict::dunno) continue;
      ruling.conditions.push_back({step_of(visit), choice.verdict() == Verdict::permit,
                                   is_forgeable(visit.restriction->name), visit.restriction->type->is_built()});
    }
    return ruling;
  }

 private:
  const Step& step_of(const Walk::Visit& visit) const {
    const auto [at, is_new] = steps_.try_emplace(std::pair(visit.list, visit.restriction));
    if (!is_new) return at->second;
    const Restriction& restriction = *visit.restriction;
    Step& step = at->second;
    step.restriction = restriction.name;
    if (!restriction.argument.empty()) step.restriction += " " + restriction.argument;
    step.parameter = access::parameter_of(visit.list);
    const auto place =
        place_of_word(configuration_, listener_.service, step.parameter, restriction.name, visit.occurrence);
    step.file = place.file;
    step.line = place.line;
    return step;
  }

  // What refused; or, of mail that goes through, what let it relay.
  std::optional<Step> decided_by(const access::Decision& decision, const std::vector<Walk::Visit>& visits) const {
    if (decision.permitted()) {
      const auto permits = [](const Walk::Visit& visit) {
        return visit.verdict == Verdict::permit && (visit.list == List::relay || visit.list == List::recipient);
      };
      const auto found = std::ranges::find_if(visits, permits);
      return found == visits.end() ? std::nullopt : std::optional(step_of(*found));
    }
    if (!visits.empty() && visits.back().verdict == Verdict::refuse) return step_of(visits.back());
    const auto flagged = std::ranges::find_if(
        visits, [](const Walk::Visit& visit) { return iequals(visit.restriction->name, "defer_if_permit"); });
    if (flagged != visits.end() && decision.code < 500) return step_of(*flagged);
    // What no list has to say.
    const bool is_sender = decision.text.find("Sender address") != std::string::npos;
    const std::string name = is_sender ? "reject_unlisted_sender" : "reject_unlisted_recipient";
    const auto origin = configuration_.view(listener_.service).origin("smtpd_" + name);
    return Step{name, "smtpd_" + name, origin.file, origin.line};
  }

  const config::Configuration& configuration_;
  const Listener& listener_;
  mutable std::map<std::pair<List, const Restriction*>, Step> steps_;  // finding the place reads the file
};

// Whether `a` holds whenever `b` does: it needs no condition that `b` does not.
bool needs_no_more(const Ruling& a, const Ruling& b) {
  return std::ranges::all_of(a.conditions, [&](const Condition& condition) {
    return std::ranges::find(b.conditions, condition) != b.conditions.end();
  });
}

// Keeps the rulings that say something new: another outcome than usual, under the fewest conditions.
void keep_minimal(Paths& paths) {
  const bool usually_permitted = paths.usual.outcome == Outcome::permit;
  std::erase_if(paths.others,
                [&](const Ruling& ruling) { return (ruling.outcome == Outcome::permit) == usually_permitted; });
  std::multimap<std::size_t, Ruling> by_conditions;
  for (Ruling& ruling : paths.others) by_conditions.emplace(ruling.conditions.size(), std::move(ruling));
  std::vector<Ruling> kept;
  for (auto& [_, ruling] : by_conditions) {
    const bool known = std::ranges::any_of(kept, [&](const Ruling& other) { return needs_no_more(other, ruling); });
    if (!known && kept.size() < kMaxAlternatives) kept.push_back(std::move(ruling));
  }
  paths.others = std::move(kept);
}

}  // namespace

Paths explore(Prober& prober, const config::Configuration& configuration, const Listener& listener,
              const access::Subject& subject, const Assumptions& assumptions) {
  const Explorer explorer(configuration, listener);
  Walk inquiry(subject, assumptions);
  access::Subject asked = subject;
  asked.inquiry = &inquiry;
  const auto walk_once = [&] {
    inquiry.begin();
    const access::Decision decision = prober.run(walk(listener.policy, asked, assumptions.several_recipients));
    return explorer.ruling_of(decision, inquiry);
  };
  Paths paths;
  paths.usual = walk_once();
  // What refuses can be overcome by what permits only, and the other way round.
  inquiry.vary(paths.usual.outcome == Outcome::permit ? Verdict::refuse : Verdict::permit);
  walk_once();  // the usual way once more, now with its branches
  for (std::size_t count = 0; inquiry.advance(); ++count) {
    if (count == kMaxPaths) {
      paths.complete = false;
      break;
    }
    paths.others.push_back(walk_once());
  }
  keep_minimal(paths);
  return paths;
}

}  // namespace waypost::review
