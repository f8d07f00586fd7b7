// What no list has to say: a recipient whose address cannot be routed, or routes to error: or retry:, is refused at
// RCPT instead of being bounced later (reject_unlisted_recipient).
#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "access/evaluation.h"
#include "access/policy.h"
#include "base/text.h"

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

// A status about an address must be about the recipient's, which is what is refused here.
std::string fit_to_recipient(std::string dsn) {
  if (dsn.substr(1, 3) != ".1.") return dsn;
  const std::string_view detail = std::string_view(dsn).substr(4);
  if (detail == "7") return dsn.replace(4, 1, "3");
  if (detail == "8") return dsn.replace(4, 1, "2");
  const bool is_recipients = detail.size() == 1 && detail >= "1" && detail <= "6";
  return is_recipients ? dsn : dsn.substr(0, 4) + "0";
}

}  // namespace

net::Task<Verdict> Policy::refuse_bad_recipient(Evaluation& evaluation) const {
  const Result<routing::Route> route = co_await evaluation.recipient_route();
  // A failing lookup is for the restriction that needs it, or the check at the end.
  if (!route || !route->bad_syntax) co_return Verdict::dunno;
  co_return evaluation.refuse(kBadSyntax, "5.1.3", "Bad recipient address syntax");
}

net::Task<Verdict> Policy::refuse_undeliverable(Evaluation& evaluation) const {
  const std::string& recipient = *evaluation.subject().recipient;
  const Result<routing::Route> route = co_await evaluation.recipient_route();
  if (!route) co_return evaluation.lookup_failed(recipient, route.error().text);
  const bool is_retry = route->transport == routing::kRetryTransport;
  if (!is_retry && route->transport != routing::kErrorTransport) co_return Verdict::dunno;
  const bool is_alias = route->address_class == routing::AddressClass::virtual_alias;
  const int code = is_retry ? kRetryLater : is_alias ? settings_.unknown_virtual_alias_reject_code : kUndeliverable;
  auto [dsn, text] = split_status(route->nexthop, is_retry ? "4.1.1" : "5.1.1");
  co_return evaluation.refuse(code, fit_to_recipient(std::move(dsn)),
                              fmt::format("<{}>: Recipient address rejected: {}", recipient, text));
}

}  // namespace waypost::access
