#include "review/relay_destinations.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/values.h"
#include "review/routes.h"
#include "review/text_table.h"
#include "tables/table_list.h"

namespace waypost::review {
namespace {

using routing::AddressClass;

constexpr std::string_view kForeignLabel = "relay-proof-of-a-stranger";
// One name below each of some domains that belong to a whole country or trade: where all of them are "ours", so is the
// world.
constexpr std::array<std::string_view, 16> kTopDomains = {"example", "com", "net",   "org",   "edu", "gov",
                                                          "de",      "fr",  "info",  "io",    "uk",  "co.uk",
                                                          "ru",      "cn",  "co.jp", "com.au"};
constexpr std::array<std::string_view, 4> kDomainLists = {"mydestination", "virtual_alias_domains",
                                                          "virtual_mailbox_domains", "relay_domains"};
// Table types whose lookups stay on this host.
constexpr std::array<std::string_view, 15> kLocalTypes = {"btree",  "cdb",  "cidr",   "dbm",      "environ",
                                                          "fail",   "hash", "inline", "lmdb",     "pcre",
                                                          "regexp", "sdbm", "static", "texthash", "unix"};
constexpr std::size_t kMaxTried = 100;

bool is_local_type(std::string_view type) { return std::ranges::find(kLocalTypes, type) != kLocalTypes.end(); }

// Every name of two letters at the top is a country's.
bool is_country(std::string_view domain) { return domain.size() == 2 && std::ranges::all_of(domain, is_alpha); }

// The literal domains of a list, as far as one can be asked for by name.
std::vector<std::string> literal_domains(std::string_view list) {
  std::vector<std::string> out;
  for (std::string_view word : tables::split_list(list)) {
    if (word.starts_with('.')) word.remove_prefix(1);
    const bool is_name = !word.empty() && is_alnum(word.front()) && word.find_first_of(":/") == std::string_view::npos;
    if (is_name) {
      out.push_back(to_lower(word));
    } else if (const auto table = read_text_table(word); table && !table->patterns) {
      for (const TableRow& row : table->rows) {
        if (!row.key.empty() && out.size() < kMaxReviewedRows) out.push_back(row.key);
      }
    }
  }
  return out;
}

bool is_own(AddressClass found) { return found != AddressClass::relay && found != AddressClass::other; }

std::string stranger_below(std::string_view top) { return fmt::format("{}.{}", kForeignLabel, top); }

}  // namespace

bool asks_network(std::string_view list) {
  return std::ranges::any_of(tables::split_list(list), [](std::string_view word) {
    while (word.starts_with('!')) word.remove_prefix(1);
    const auto table = parse_table_word(word);
    return table && !is_local_type(table->type);
  });
}

Destinations::Destinations(Prober& prober, const config::Configuration& configuration, const routing::Router& router)
    : prober_(prober), configuration_(configuration), router_(router), view_(configuration.view()) {
  is_symbolic_ = std::ranges::any_of(kDomainLists, [&](std::string_view name) { return asks_network(value(name)); });
}

std::vector<Destinations::Question> Destinations::questions() {
  if (!is_symbolic_) find_swallowed();
  return {
      foreign(), of_class(DestinationClass::relay_domains, {"relay_domains"}),
      of_class(DestinationClass::own_domains, {"mydestination", "virtual_alias_domains", "virtual_mailbox_domains"})};
}

std::optional<AddressClass> Destinations::class_of(const std::string& domain) {
  const auto found = prober_.run(router_.domains().classify(domain));
  return found ? std::optional(*found) : std::nullopt;
}

// Mail for a domain of one's own may also leave this host, as local_transport = smtp:[...] has it.
bool Destinations::is_passed_on(const std::string& recipient) {
  const auto route = prober_.run(router_.resolve({}, recipient));
  const config::Service* service = route ? find_transport(configuration_, route->transport) : nullptr;
  return service != nullptr && service->command == "smtp";
}

// The well-known ones and the countries that the lists name.
std::vector<std::string> Destinations::top_domains() const {
  std::vector<std::string> out(kTopDomains.begin(), kTopDomains.end());
  for (const std::string_view parameter : kDomainLists) {
    for (std::string& domain : literal_domains(value(parameter))) {
      if (is_country(domain) && std::ranges::find(out, domain) == out.end() && out.size() < kMaxTried)
        out.push_back(std::move(domain));
    }
  }
  return out;
}

void Destinations::find_swallowed() {
  for (const std::string& top : top_domains()) {
    const std::string domain = stranger_below(top);
    const auto found = class_of(domain);
    if (!found || *found == AddressClass::other) continue;
    if (*found == AddressClass::relay) {
      swallowed_[static_cast<std::size_t>(DestinationClass::relay_domains)].push_back(top);
    } else if (is_passed_on("recipient@" + domain)) {
      swallowed_[static_cast<std::size_t>(DestinationClass::own_domains)].push_back(top);
    }
  }
}

Destinations::Question Destinations::symbolic(DestinationClass destination, AddressClass address_class,
                                              std::string_view transport) const {
  Question question;
  question.answer.destination = destination;
  question.recipient = fmt::format("recipient@{}.example", to_text(destination));
  routing::Route route;
  route.recipient = question.recipient;
  route.address_class = address_class;
  route.transport = transport;
  route.nexthop = fmt::format("{}.example", to_text(destination));
  question.route = std::move(route);
  return question;
}

Destinations::Question Destinations::foreign() {
  if (is_symbolic_) return symbolic(DestinationClass::foreign, AddressClass::other, "smtp");
  Question question;
  question.answer.destination = DestinationClass::foreign;
  for (const std::string_view top : kTopDomains) {
    const std::string domain = stranger_below(top);
    if (class_of(domain) != AddressClass::other) continue;
    question.recipient = "recipient@" + domain;
    return question;
  }
  question.answer.absent = "every domain is one of this host's own or of relay_domains";
  return question;
}

Destinations::Question Destinations::of_class(DestinationClass destination,
                                              const std::vector<std::string_view>& parameters) {
  const bool wants_relay = destination == DestinationClass::relay_domains;
  if (is_symbolic_) {
    return wants_relay ? symbolic(destination, AddressClass::relay, "relay")
                       : symbolic(destination, AddressClass::local, "local");
  }
  Question question;
  question.answer.destination = destination;
  // The widest first: it stands for the class.
  std::vector<std::string> domains;
  if (const auto& tops = swallowed(destination); !tops.empty()) domains.push_back(stranger_below(tops.front()));
  bool is_empty = true;
  for (const std::string_view parameter : parameters) {
    is_empty &= trim(value(parameter)).empty();
    for (std::string& domain : literal_domains(value(parameter))) {
      if (domains.size() < kMaxTried) domains.push_back(std::move(domain));
    }
  }
  for (const std::string& domain : domains) {
    const auto found = class_of(domain);
    if (!found || (wants_relay ? *found != AddressClass::relay : !is_own(*found))) continue;
    question.recipient = "recipient@" + domain;
    return question;
  }
  question.answer.absent = fmt::format(
      "{} {}", is_empty ? "no domain is listed in" : "no further domain to ask for is in", fmt::join(parameters, ", "));
  return question;
}

}  // namespace waypost::review
