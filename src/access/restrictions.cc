#include "access/restrictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "access/evaluation.h"
#include "base/text.h"
#include "tables/table_list.h"

namespace waypost::access {
namespace {

using net::Task;

constexpr int kRelayDeferDistance = 100;  // 554 -> 454

Verdict permit(Evaluation&) { return Verdict::permit; }

Verdict reject(Evaluation& e) {
  return e.refuse(e.settings().reject_code, "5.7.1",
                  fmt::format("<{}>: {} rejected: Access denied", e.reply_name(), e.reply_class()));
}

Verdict defer(Evaluation& e) {
  return e.refuse(e.settings().defer_code, "4.3.2",
                  fmt::format("<{}>: {} rejected: Try again later", e.reply_name(), e.reply_class()));
}

Verdict defer_if_permit(Evaluation& e) {
  return e.defer_later_if_permit(
      {450, "4.7.0", fmt::format("<{}>: {} rejected: defer_if_permit requested", e.reply_name(), e.reply_class())});
}

Verdict defer_if_reject(Evaluation& e) {
  return e.defer_later_if_reject(
      {450, "4.7.0", fmt::format("<{}>: {} rejected: defer_if_reject requested", e.reply_name(), e.reply_class())});
}

Verdict reject_plaintext_session(Evaluation& e) {
  if (e.subject().encrypted) return Verdict::dunno;
  return e.refuse(e.settings().plaintext_reject_code, "4.7.1", "Session encryption is required");
}

Verdict permit_sasl_authenticated(Evaluation& e) {
  const auto& method = e.subject().sasl_method;
  return method.empty() || iequals(method, "anonymous") ? Verdict::dunno : Verdict::permit;
}

Verdict permit_inet_interfaces(Evaluation& e) {
  return e.policy().is_own_address(e.subject().client_address) ? Verdict::permit : Verdict::dunno;
}

Task<Verdict> permit_client_certificate(Evaluation& e, std::string_view name, bool any_trusted) {
  const auto& certificate = e.subject().certificate;
  if (certificate && any_trusted && certificate->trusted) co_return Verdict::permit;
  if (certificate) {
    const Verdict known = co_await e.permit_known_certificate();
    co_return known;
  }
  if (e.subject().encrypted && !e.settings().asks_for_certificates) {
    e.warn(fmt::format("{} is requested, but \"smtpd_tls_ask_ccert = no\"", name));
  }
  co_return Verdict::dunno;
}

Task<Verdict> permit_tls_clientcerts(Evaluation& e) {
  return permit_client_certificate(e, "permit_tls_clientcerts", false);
}

Task<Verdict> permit_tls_all_clientcerts(Evaluation& e) {
  return permit_client_certificate(e, "permit_tls_all_clientcerts", true);
}

Task<Verdict> permit_mynetworks(Evaluation& e) {
  const Result<bool> own = co_await e.policy().is_mynetworks(e.subject().client_name, e.subject().client_address);
  if (!own) co_return e.lookup_failed(e.reply_name(), own.error().text);
  co_return *own ? Verdict::permit : Verdict::dunno;
}

// Whether mail for the recipient may come from anybody: its domain is ours to receive or to relay for, and its local
// part holds no further route. nullopt: refused already.
Task<std::optional<bool>> is_authorized_destination(Evaluation& e) {
  const Result<routing::Route> route = co_await e.recipient_route();
  if (!route) {
    e.lookup_failed(*e.subject().recipient, route.error().text);
    co_return std::nullopt;
  }
  const bool routed = route->source_routed && !e.settings().allow_untrusted_routing;
  co_return !routed && !route->bad_syntax && route->address_class != routing::AddressClass::other;
}

Task<Verdict> permit_auth_destination(Evaluation& e) {
  if (!e.subject().recipient) co_return Verdict::dunno;
  const std::optional<bool> authorized = co_await is_authorized_destination(e);
  if (!authorized) co_return Verdict::refuse;
  co_return *authorized ? Verdict::permit : Verdict::dunno;
}

Task<Verdict> refuse_unauth_destination(Evaluation& e, int code, std::string_view dsn) {
  if (!e.subject().recipient) co_return Verdict::dunno;
  const std::optional<bool> authorized = co_await is_authorized_destination(e);
  if (!authorized) co_return Verdict::refuse;
  if (*authorized) co_return Verdict::dunno;
  co_return e.refuse(code, dsn, fmt::format("<{}>: Relay access denied", *e.subject().recipient));
}

Task<Verdict> reject_unauth_destination(Evaluation& e) {
  return refuse_unauth_destination(e, e.settings().relay_domains_reject_code, "5.7.1");
}

Task<Verdict> defer_unauth_destination(Evaluation& e) {
  return refuse_unauth_destination(e, e.settings().relay_domains_reject_code - kRelayDeferDistance, "4.7.1");
}

constexpr RestrictionType kTypes[] = {
    {.name = "warn_if_reject", .is_modifier = true},
    {.name = "permit", .decide = permit, .ends_list = true},
    {.name = "reject", .decide = reject, .ends_list = true},
    {.name = "defer", .decide = defer, .ends_list = true},
    {.name = "defer_if_permit", .decide = defer_if_permit},
    {.name = "defer_if_reject", .decide = defer_if_reject},
    {.name = "reject_plaintext_session", .decide = reject_plaintext_session},
    {.name = "permit_sasl_authenticated", .decide = permit_sasl_authenticated},
    {.name = "permit_inet_interfaces", .decide = permit_inet_interfaces},
    {.name = "permit_mynetworks", .look_up = permit_mynetworks},
    {.name = "permit_tls_all_clientcerts", .look_up = permit_tls_all_clientcerts},
    {.name = "permit_tls_clientcerts", .look_up = permit_tls_clientcerts},
    {.name = "permit_auth_destination", .look_up = permit_auth_destination},
    {.name = "reject_unauth_destination", .look_up = reject_unauth_destination},
    {.name = "defer_unauth_destination", .look_up = defer_unauth_destination},

    {.name = "check_relay_domains", .instead = "\"reject_unauth_destination\""},
    {.name = "permit_naked_ip_address", .instead = "\"permit_mynetworks\" or \"permit_sasl_authenticated\""},
    {.name = "reject_maps_rbl", .instead = "\"reject_rbl_client domain-name\""},

    {.name = "check_ccert_access", .argument = Argument::table},
    {.name = "check_client_a_access", .argument = Argument::table},
    {.name = "check_client_access", .argument = Argument::table},
    {.name = "check_client_mx_access", .argument = Argument::table},
    {.name = "check_client_ns_access", .argument = Argument::table},
    {.name = "check_etrn_access", .argument = Argument::table},
    {.name = "check_helo_a_access", .argument = Argument::table},
    {.name = "check_helo_access", .argument = Argument::table},
    {.name = "check_helo_mx_access", .argument = Argument::table},
    {.name = "check_helo_ns_access", .argument = Argument::table},
    {.name = "check_policy_service", .argument = Argument::service},
    {.name = "check_recipient_a_access", .argument = Argument::table},
    {.name = "check_recipient_access", .argument = Argument::table},
    {.name = "check_recipient_maps"},
    {.name = "check_recipient_mx_access", .argument = Argument::table},
    {.name = "check_recipient_ns_access", .argument = Argument::table},
    {.name = "check_reverse_client_hostname_a_access", .argument = Argument::table},
    {.name = "check_reverse_client_hostname_access", .argument = Argument::table},
    {.name = "check_reverse_client_hostname_mx_access", .argument = Argument::table},
    {.name = "check_reverse_client_hostname_ns_access", .argument = Argument::table},
    {.name = "check_sasl_access", .argument = Argument::table},
    {.name = "check_sender_a_access", .argument = Argument::table},
    {.name = "check_sender_access", .argument = Argument::table},
    {.name = "check_sender_mx_access", .argument = Argument::table},
    {.name = "check_sender_ns_access", .argument = Argument::table},
    {.name = "permit_dnswl_client", .argument = Argument::domain},
    {.name = "permit_mx_backup"},
    {.name = "permit_rhswl_client", .argument = Argument::domain},
    {.name = "reject_authenticated_sender_login_mismatch"},
    {.name = "reject_invalid_helo_hostname"},
    {.name = "reject_invalid_hostname"},
    {.name = "reject_known_sender_login_mismatch"},
    {.name = "reject_multi_recipient_bounce"},
    {.name = "reject_non_fqdn_helo_hostname"},
    {.name = "reject_non_fqdn_hostname"},
    {.name = "reject_non_fqdn_recipient"},
    {.name = "reject_non_fqdn_sender"},
    {.name = "reject_rbl", .argument = Argument::domain},
    {.name = "reject_rbl_client", .argument = Argument::domain},
    {.name = "reject_rhsbl_client", .argument = Argument::domain},
    {.name = "reject_rhsbl_helo", .argument = Argument::domain},
    {.name = "reject_rhsbl_recipient", .argument = Argument::domain},
    {.name = "reject_rhsbl_reverse_client", .argument = Argument::domain},
    {.name = "reject_rhsbl_sender", .argument = Argument::domain},
    {.name = "reject_sender_login_mismatch"},
    {.name = "reject_unauth_pipelining"},
    {.name = "reject_unauthenticated_sender_login_mismatch"},
    {.name = "reject_unknown_address"},
    {.name = "reject_unknown_client"},
    {.name = "reject_unknown_client_hostname"},
    {.name = "reject_unknown_forward_client_hostname"},
    {.name = "reject_unknown_helo_hostname"},
    {.name = "reject_unknown_hostname"},
    {.name = "reject_unknown_recipient_domain"},
    {.name = "reject_unknown_reverse_client_hostname"},
    {.name = "reject_unknown_sender_domain"},
    {.name = "reject_unlisted_recipient"},
    {.name = "reject_unlisted_sender"},
    {.name = "reject_unverified_recipient"},
    {.name = "reject_unverified_sender"},
    {.name = "sleep", .argument = Argument::number},
};

// What differs between the lists. Indexed by List.
struct ListRow {
  std::string_view parameter, reply_class, bare_table;
};

constexpr std::array<ListRow, 8> kLists = {{
    {"smtpd_client_restrictions", "Client host", "check_client_access"},
    {"smtpd_helo_restrictions", "Helo command", "check_helo_access"},
    {"smtpd_sender_restrictions", "Sender address", "check_sender_access"},
    {"smtpd_relay_restrictions", "Recipient address", "check_recipient_access"},
    {"smtpd_recipient_restrictions", "Recipient address", "check_recipient_access"},
    {"smtpd_data_restrictions", "Data command", ""},
    {"smtpd_end_of_data_restrictions", "End-of-data", ""},
    {"smtpd_etrn_restrictions", "Etrn command", "check_etrn_access"},
}};

const ListRow& row_of(List list) { return kLists[static_cast<std::size_t>(list)]; }

bool is_table(std::string_view word) { return word.find(':') != std::string_view::npos; }

// What is wrong with the word after a restriction; empty: nothing.
std::string argument_problem(const RestrictionType& type, std::string_view word) {
  switch (type.argument) {
    case Argument::none:
      return "";
    case Argument::table:
      if (is_table(word)) return "";
      return fmt::format("restriction {}: bad argument \"{}\": need maptype:mapname", type.name, word);
    case Argument::service:
      if (is_table(word)) return "";
      return fmt::format("restriction {} must be followed by transport:server", type.name);
    case Argument::domain:
      return word.empty() ? fmt::format("restriction {} requires domain name argument", type.name) : "";
    case Argument::number:
      if (parse_number(word)) return "";
      return fmt::format("restriction {} must be followed by number", type.name);
  }
  return "";
}

std::string removal_problem(const RestrictionType& type) {
  return fmt::format("support for restriction \"{}\" has been removed in Postfix 3.9; instead, specify {}", type.name,
                     type.instead);
}

// Why a known restriction cannot be evaluated; empty: it can.
std::string type_problem(const RestrictionType& type) {
  if (type.is_removed()) return removal_problem(type);
  if (!type.is_built()) return fmt::format("restriction {} is not supported by this version of Waypost", type.name);
  return "";
}

Restriction bare_table(List list, std::string_view word) {
  const ListRow& row = row_of(list);
  Restriction step;
  step.argument = word;
  if (row.bare_table.empty()) {
    step.name = word;
    step.problem = fmt::format(
        "specify one of (check_client_access, check_reverse_client_hostname_access, check_helo_access, "
        "check_sender_access, check_recipient_access, check_etrn_access) before {} restriction \"{}\"",
        row.reply_class, word);
    return step;
  }
  step.type = find_restriction(row.bare_table);
  step.name = row.bare_table;
  step.problem = type_problem(*step.type);
  return step;
}

// Reads one list with the classes that it names.
class Parser {
 public:
  Parser(List list, const RestrictionClasses& classes) : list_(list), classes_(classes) {}

  std::vector<Restriction> parse(std::string_view text, int depth) {
    std::vector<Restriction> steps;
    const auto words = tables::split_list(text);
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (is_table(words[i])) {
        steps.push_back(bare_table(list_, words[i]));
        continue;
      }
      const auto next = i + 1 < words.size() ? words[i + 1] : std::string_view();
      steps.push_back(read(words[i], next, depth));
      if (!steps.back().argument.empty()) ++i;
    }
    return steps;
  }

 private:
  Restriction read(std::string_view word, std::string_view next, int depth) {
    Restriction step;
    step.name = word;
    step.type = find_restriction(word);
    if (step.type == nullptr) {
      read_class(step, depth);
      return step;
    }
    step.problem = type_problem(*step.type);
    if (auto problem = argument_problem(*step.type, next); !problem.empty()) {
      step.problem = std::move(problem);
    } else if (step.type->argument != Argument::none) {
      step.argument = next;
    }
    return step;
  }

  void read_class(Restriction& step, int depth) {
    const auto known = classes_.find(step.name);
    if (known == classes_.end()) {
      step.problem = fmt::format("unknown smtpd restriction: \"{}\"", step.name);
    } else if (depth >= kMaxClassDepth || ++steps_ > kMaxRestrictions) {
      step.problem = fmt::format("smtpd_restriction_classes: \"{}\" names itself, or goes too deep", step.name);
    } else {
      step.is_class = true;
      step.nested = parse(known->second, depth + 1);
      steps_ += step.nested.size();
    }
  }

  const List list_;
  const RestrictionClasses& classes_;
  std::size_t steps_ = 0;
};

}  // namespace

const RestrictionType* find_restriction(std::string_view name) {
  const auto* found =
      std::ranges::find_if(kTypes, [&](const RestrictionType& type) { return iequals(type.name, name); });
  return found == std::end(kTypes) ? nullptr : found;
}

std::string_view parameter_of(List list) { return row_of(list).parameter; }

std::string_view class_of(List list) { return row_of(list).reply_class; }

std::vector<Restriction> parse_restrictions(List list, std::string_view text, const RestrictionClasses& classes) {
  return Parser(list, classes).parse(text, 0);
}

}  // namespace waypost::access
