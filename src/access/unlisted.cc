// What no list has to say: a recipient whose address cannot be routed, routes to error: or retry:, or is not in the
// tables of its class, is refused at RCPT instead of being bounced later (reject_unlisted_recipient); likewise a
// sender, who could not be written to (reject_unlisted_sender).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "access/evaluation.h"
#include "access/policy.h"
#include "base/text.h"
#include "mail/address.h"
#include "tables/keys.h"

namespace waypost::access {
namespace {

constexpr int kUndeliverable = 550, kRetryLater = 450, kBadSyntax = 501;

struct StatusAndText {
  std::string dsn, text;
};

// "5.1.1 text" (RFC 3463 §2: class, subject and detail, the last two of 1-3 digits) -> both; else the default and all.
StatusAndText split_status(std::string_view text, std::string_view default_dsn) {
  const auto blank = text.find(' ');
  const auto parts = split(text.substr(0, blank), ".");
  const bool has_class = parts.size() == 3 && (parts[0] == "2" || parts[0] == "4" || parts[0] == "5");
  const bool is_status = has_class && blank != std::string_view::npos && is_digit(text.front()) &&
                         parts[1].size() <= 3 && parts[2].size() <= 3 && parse_number(parts[1]) &&
                         parse_number(parts[2]);
  if (!is_status) return {std::string(default_dsn), std::string(trim(text))};
  return {std::string(text.substr(0, blank)), std::string(trim(text.substr(blank)))};
}

// A status about an address must be about the one that is refused: recipients' and senders' details differ. Indexed by
// the detail.
std::string fit_to_address(std::string dsn, bool is_sender) {
  constexpr std::string_view kOfRecipients = "012345632", kOfSenders = "008700078";
  if (dsn.substr(1, 3) != ".1.") return dsn;
  const std::string_view detail = std::string_view(dsn).substr(4);
  const bool known = detail.size() == 1 && detail[0] >= '0' && detail[0] <= '8';
  const char fitting =
      known ? (is_sender ? kOfSenders : kOfRecipients)[static_cast<std::size_t>(detail[0] - '0')] : '0';
  return dsn.substr(0, 4) + fitting;
}

// Addresses that the mail system itself uses exist without being in any table.
bool is_own_user(std::string_view address, std::string_view double_bounce) {
  const auto local = mail::local_part(address);
  return iequals(local, "postmaster") || iequals(local, "mailer-daemon") || iequals(local, double_bounce);
}

}  // namespace

net::Task<Verdict> Policy::refuse_bad_recipient(Evaluation& evaluation) const {
  const Result<routing::Route> route = co_await evaluation.recipient_route();
  // A failing lookup is for the restriction that needs it, or the check at the end.
  if (!route || !route->bad_syntax) co_return Verdict::dunno;
  co_return evaluation.refuse(kBadSyntax, "5.1.3", "Bad recipient address syntax");
}

net::Task<Verdict> Policy::refuse_unlisted_recipient(Evaluation& evaluation) const {
  const Result<routing::Route> route = co_await evaluation.recipient_route();
  const Verdict verdict = co_await refuse_unlisted(evaluation, route, *evaluation.subject().recipient, false);
  co_return verdict;
}

net::Task<Verdict> Policy::refuse_unlisted_sender(Evaluation& evaluation) const {
  const std::string& sender = *evaluation.subject().sender;
  const Result<routing::Route> route = co_await router_->resolve({}, router_->qualify(sender));
  const Verdict verdict = co_await refuse_unlisted(evaluation, route, sender, true);
  co_return verdict;
}

net::Task<Verdict> Policy::refuse_unlisted(Evaluation& evaluation, const Result<routing::Route>& route,
                                           const std::string& address, bool is_sender) const {
  using enum routing::AddressClass;
  const std::string_view what = is_sender ? "Sender" : "Recipient";
  if (!route) co_return evaluation.lookup_failed(address, route.error().text);
  const bool is_retry = route->transport == routing::kRetryTransport;
  if (is_retry || route->transport == routing::kErrorTransport) {
    const bool is_alias = route->address_class == virtual_alias;
    const int code = is_retry ? kRetryLater : is_alias ? settings_.unknown_virtual_alias_reject_code : kUndeliverable;
    const std::string_view usual = is_sender ? ".1.0" : ".1.1";
    auto [dsn, text] = split_status(route->nexthop, fmt::format("{}{}", is_retry ? '4' : '5', usual));
    co_return evaluation.refuse(code, fit_to_address(std::move(dsn), is_sender),
                                fmt::format("<{}>: {} address rejected: {}", address, what, text));
  }
  const bool is_local = route->address_class == local;
  const auto& maps = is_local ? local_recipients_ : relay_recipients_;
  const bool is_checked = is_local || route->address_class == relay;
  if (!is_checked || maps.empty() || (is_local && is_own_user(route->recipient, settings_.double_bounce_sender)))
    co_return Verdict::dunno;
  // Nobody on the network is asked about an address that was made up for the proof: it counts as known.
  const bool is_made_up = evaluation.subject().inquiry != nullptr;
  if (is_made_up && !std::ranges::all_of(maps.tables(), [](const auto& table) { return table->immediate(); }))
    co_return Verdict::dunno;
  const auto known = co_await is_known(maps, *route);
  if (!known) co_return evaluation.lookup_failed(address, known.error().text);
  if (*known) co_return Verdict::dunno;
  const int code =
      is_local ? settings_.unknown_local_recipient_reject_code : settings_.unknown_relay_recipient_reject_code;
  const std::string_view where = !router_->settings().show_user_unknown_table_name ? ""
                                 : is_local                                        ? " in local recipient table"
                                                                                   : " in relay recipient table";
  co_return evaluation.refuse(code, is_sender ? "5.1.0" : "5.1.1",
                              fmt::format("<{}>: {} address rejected: User unknown{}", address, what, where));
}

net::Task<Result<bool>> Policy::is_known(const tables::TableList& maps, const routing::Route& route) const {
  const tables::AddressKeyOptions options{.recipient_delimiter = settings_.recipient_delimiter,
                                          .domain_is_local = route.address_class == routing::AddressClass::local};
  const auto found = co_await maps.find_first(tables::mail_address_keys(route.recipient, options));
  if (!found) co_return std::unexpected(found.error());
  co_return found->has_value();
}

}  // namespace waypost::access
