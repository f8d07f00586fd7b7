// From settings to a Policy, and what there is to say about them before anybody connects.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "access/policy.h"
#include "access/restrictions.h"
#include "base/text.h"

namespace waypost::access {
namespace {

constexpr std::array<std::string_view, 6> kRelayProtection = {
    "reject_unauth_destination", "defer_unauth_destination", "reject", "defer",
    "defer_if_permit",           "check_relay_domains"};

bool protects(const RestrictionType& type) {
  return std::ranges::find(kRelayProtection, type.name) != kRelayProtection.end();
}

// Whether a list holds something that can refuse a stranger's mail: what stands behind warn_if_reject or permit does
// not.
bool has_relay_protection(const std::vector<Restriction>& steps) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const RestrictionType* type = steps[i].type;
    if (steps[i].is_class && has_relay_protection(steps[i].nested)) return true;
    if (type == nullptr) continue;
    if (type->is_modifier) {
      ++i;
    } else if (type->name == "permit") {
      return false;
    } else if (protects(*type)) {
      return true;
    }
  }
  return false;
}

Finding describe(List list, const Restriction& step) {
  Finding finding{Finding::Severity::warning, "bad-restriction", std::string(parameter_of(list)), step.problem};
  if (step.type == nullptr) {
    finding.code = "unknown-restriction";
  } else if (step.type->is_removed()) {
    finding.code = "removed-restriction";
  } else if (!step.type->is_built()) {
    finding.severity = Finding::Severity::error;
    finding.code = "unsupported-restriction";
    if (!step.argument.empty()) finding.text += fmt::format(" ({} {})", step.name, step.argument);
  }
  return finding;
}

void add_findings(List list, const std::vector<Restriction>& steps, std::vector<Finding>& findings) {
  bool warns_only = false;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Restriction& step = steps[i];
    if (!step.problem.empty()) findings.push_back(describe(list, step));
    if (step.is_class) add_findings(list, step.nested, findings);
    const bool is_last = i + 1 == steps.size();
    const bool ends = step.type != nullptr && step.type->ends_list && (!warns_only || step.name == "permit");
    if (ends && !is_last) {
      findings.push_back({Finding::Severity::warning, "ignored-restriction", std::string(parameter_of(list)),
                          fmt::format("restriction `{}' after `{}' is ignored", steps[i + 1].name, step.name)});
    }
    warns_only = step.type != nullptr && step.type->is_modifier;
  }
}

}  // namespace

std::shared_ptr<const Policy> Policy::build(const AccessSettings& settings, tables::TableRegistry& registry,
                                            std::shared_ptr<const routing::Router> router,
                                            std::vector<Finding>& findings) {
  const std::shared_ptr<Policy> policy(new Policy(settings));
  policy->router_ = std::move(router);
  policy->mynetworks_ = tables::MatchList("mynetworks", settings.mynetworks, registry,
                                          {.parent_domains = settings.mynetworks_match_parents});
  for (const auto& problem : policy->mynetworks_.problems()) {
    findings.push_back({Finding::Severity::warning, "bad-pattern", "mynetworks", problem});
  }
  const auto parse = [&](List list, std::string_view text) {
    auto steps = parse_restrictions(list, text, settings.classes);
    add_findings(list, steps, findings);
    return steps;
  };
  policy->client_ = parse(List::client, settings.client_restrictions);
  policy->helo_ = parse(List::helo, settings.helo_restrictions);
  policy->sender_ = parse(List::sender, settings.sender_restrictions);
  policy->relay_ = parse(List::relay, settings.relay_restrictions);
  policy->recipient_ = parse(List::recipient, settings.recipient_restrictions);
  policy->data_ = parse(List::data, settings.data_restrictions);
  policy->etrn_ = parse(List::etrn, settings.etrn_restrictions);
  policy->local_recipients_ = tables::TableList(settings.local_recipient_maps, registry);
  policy->relay_recipients_ = tables::TableList(settings.relay_recipient_maps, registry);
  policy->client_certificates_ = tables::TableList(settings.relay_clientcerts, registry);
  policy->build_rewriting(registry, findings);
  policy->end_of_data_ = parse(List::end_of_data, settings.end_of_data_restrictions);
  if (!has_relay_protection(policy->relay_) && !has_relay_protection(policy->recipient_)) {
    findings.push_back(
        {Finding::Severity::error, "no-relay-protection", std::string(parameter_of(List::relay)),
         "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance "
         "of: reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit or "
         "check_relay_domains"});
  }
  return policy;
}

}  // namespace waypost::access
