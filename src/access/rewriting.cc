// local_header_rewrite_clients: whose mail is completed like that of this host. Not a restriction list, though it uses
// some of their words: nothing here refuses, and anything else is skipped with a warning.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "access/evaluation.h"
#include "access/policy.h"
#include "base/text.h"

namespace waypost::access {
namespace {

constexpr std::string_view kParameter = "local_header_rewrite_clients", kTableWord = "check_address_map";
constexpr std::array<std::string_view, 5> kPermits = {"permit_inet_interfaces", "permit_mynetworks",
                                                      "permit_sasl_authenticated", "permit_tls_clientcerts",
                                                      "permit_tls_all_clientcerts"};

bool is_permit(std::string_view word) {
  return std::ranges::any_of(kPermits, [word](std::string_view permit) { return iequals(permit, word); });
}

}  // namespace

void Policy::build_rewriting(tables::TableRegistry& registry, std::vector<Finding>& findings) {
  const auto words = tables::split_list(settings_.local_header_rewrite_clients);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool named_table = iequals(words[i], kTableWord) && i + 1 < words.size();
    if (named_table) ++i;
    if (words[i].find(':') != std::string_view::npos) {
      rewriting_.emplace_back(nullptr, tables::TableList(words[i], registry));
    } else if (is_permit(words[i])) {
      rewriting_.emplace_back(find_restriction(words[i]), tables::TableList());
    } else {
      findings.push_back({Finding::Severity::warning, "bad-restriction", std::string(kParameter),
                          fmt::format("parameter {}: invalid request: {}", kParameter, words[i])});
    }
  }
}

net::Task<Result<bool>> Policy::may_omit_headers(const Subject& subject) const {
  Decision decision;
  Evaluation evaluation(*this, subject, decision);
  for (const auto& [type, table] : rewriting_) {
    Verdict verdict = Verdict::dunno;
    if (type == nullptr) {
      const auto found = co_await table.find({subject.client_address});
      if (!found) co_return std::unexpected(found.error());
      if (*found) verdict = Verdict::permit;
    } else if (type->decide != nullptr) {
      verdict = type->decide(evaluation);
    } else {
      const Verdict looked_up = co_await type->look_up(evaluation);
      verdict = looked_up;
    }
    if (verdict == Verdict::permit) co_return true;
    if (verdict == Verdict::refuse) {
      co_return fail(Errc::unavailable, decision.warnings.empty() ? decision.text : decision.warnings.back());
    }
  }
  co_return false;
}

}  // namespace waypost::access
