// Where mail goes: transports that do not exist, nexthops that will not do what was meant, domains of two classes.
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "config/values.h"
#include "review/review.h"
#include "review/routes.h"
#include "review/text_table.h"
#include "tables/cidr.h"
#include "tables/table_list.h"

namespace waypost::review {
namespace {

using config::FindingCode;
using config::make_finding;
using config::Origin;

class RoutingReview {
 public:
  RoutingReview(const Subject& subject, config::Findings& findings)
      : subject_(subject), configuration_(subject.configuration), view_(configuration_.view()), findings_(findings) {}

  void run() {
    for (const auto* parameter : {"default_transport", "relay_transport", "local_transport", "virtual_transport"}) {
      if (parameter == std::string_view("local_transport") && is_empty("mydestination")) continue;
      if (parameter == std::string_view("virtual_transport") && is_empty("virtual_mailbox_domains")) continue;
      if (parameter == std::string_view("relay_transport") && is_empty("relay_domains")) continue;
      check_transport(split_transport(value(parameter)).transport, parameter, view_.origin(parameter), "");
    }
    for (const auto* maps : {"transport_maps", "sender_dependent_default_transport_maps"}) check_transport_rows(maps);
    check_nexthops(collect_routes(configuration_));
    check_classes();
    check_local();
  }

 private:
  std::string value(std::string_view name) const { return std::string(trim(view_.value(name).value_or(""))); }
  bool is_empty(std::string_view name) const { return value(name).empty(); }

  void add(FindingCode code, const Origin& origin, std::string text, std::string remedy = {}) {
    findings_.push_back(make_finding(code, origin.file, origin.line, std::move(text), std::move(remedy)));
  }

  void check_transport(const std::string& name, std::string_view where, const Origin& origin, std::string_view row) {
    if (name.empty()) return;
    const std::string place =
        row.empty() ? std::string(where) : fmt::format("{}: row \"{}\"", where, printable(row, 100));
    const config::Service* service = find_transport(configuration_, name);
    if (service == nullptr) {
      if (name == "error" || name == "retry") return;  // built in, with or without their lines in master.cf
      const bool is_host = name.find('.') != std::string::npos || name.starts_with('[');
      return add(FindingCode::unknown_transport, origin,
                 fmt::format("{}: master.cf has no transport \"{}\"", place, printable(name, 100)),
                 is_host ? fmt::format("write smtp:[{}], or :[{}]", printable(name, 100), printable(name, 100)) : "");
    }
    if (std::ranges::find(subject_.agents, service->command) == subject_.agents.end()) {
      add(FindingCode::unavailable_transport, origin,
          fmt::format("{}: transport {} runs {}, which is not supported yet: its mail is deferred", place, name,
                      printable(service->command, 40)));
    }
  }

  void check_transport_rows(const char* maps) {
    for (const std::string_view word : tables::split_list(value(maps))) {
      const auto table = read_text_table(word);
      if (!table) continue;
      for (const TableRow& row : table->rows) {
        const Origin origin = table->file.empty() ? view_.origin(maps) : Origin{table->file, row.line};
        check_transport(split_transport(row.value).transport, maps, origin, row.key);
      }
    }
  }

  void check_nexthops(const Routes& routes) {
    std::set<std::pair<std::string, std::string>> told;
    for (const Target& target : routes.targets) {
      const config::Service* service = find_transport(configuration_, target.service);
      if (service == nullptr || service->command != "smtp") continue;  // others have a syntax of their own
      if (!told.emplace(fmt::format("{}:{}", target.origin.file, target.origin.line), target.text).second) continue;
      const auto nexthop = routing::parse_nexthop(target.text);
      if (!nexthop) {
        add(FindingCode::bad_nexthop, target.origin, fmt::format("{}: {}", target.parameter, nexthop.error().text));
        continue;
      }
      check_nexthop(target, *nexthop, *service);
    }
  }

  void check_nexthop(const Target& target, const routing::Nexthop& nexthop, const config::Service& service) {
    if (!nexthop.port.empty() && !routing::port_number(nexthop.port)) {
      return add(FindingCode::bad_nexthop, target.origin,
                 fmt::format("{}: \"{}\": unknown port or service name \"{}\"", target.parameter,
                             printable(target.text, 100), printable(nexthop.port, 40)));
    }
    const bool is_address = tables::parse_address(nexthop.host).has_value();
    if (!nexthop.bracketed && (is_address || !nexthop.port.empty())) {
      const std::string port = nexthop.port.empty() ? "" : ":" + nexthop.port;
      add(FindingCode::nexthop_without_brackets, target.origin,
          fmt::format("{}: \"{}\" is looked up as a mail domain (MX), not as a host", target.parameter,
                      printable(target.text, 100)),
          fmt::format("write [{}]{}", nexthop.host, port));
    }
    check_loop(target, nexthop, service);
  }

  // A nexthop that one of our own listeners answers.
  void check_loop(const Target& target, const routing::Nexthop& nexthop, const config::Service& service) {
    const config::View view = configuration_.view(&service);
    const auto port =
        routing::port_number(nexthop.port.empty() ? view.value("smtp_tcp_port").value_or("25") : nexthop.port);
    const bool is_me = iequals(nexthop.host, value("myhostname")) || iequals(nexthop.host, "localhost") ||
                       subject_.router.domains().is_own_address(nexthop.host);
    if (!is_me || !port) return;
    const bool is_loopback =
        iequals(nexthop.host, "localhost") || nexthop.host.starts_with("127.") || nexthop.host == "::1";
    for (const Listener& listener : subject_.listeners) {
      for (const net::Endpoint& endpoint : listener.endpoints) {
        const bool covers = endpoint.address == "0.0.0.0" || endpoint.address == "::" ||
                            endpoint.address == nexthop.host ||
                            (!is_loopback && iequals(nexthop.host, value("myhostname"))) ||
                            (is_loopback && endpoint.address == "127.0.0.1");
        if (endpoint.port != *port || !covers) continue;
        return add(FindingCode::nexthop_is_self, target.origin,
                   fmt::format("{}: \"{}\" is this relay's own service {}", target.parameter,
                               printable(target.text, 100), listener.service->name));
      }
    }
  }

  // Only what stands there by name; a domain by table is the operator's own affair.
  std::set<std::string> literals(std::string_view name) const {
    std::set<std::string> out;
    for (const std::string& word : config::split_list(value(name))) {
      if (!word.empty() && is_alnum(word.front()) && word.find_first_of(":/") == std::string::npos)
        out.insert(to_lower(word));
    }
    return out;
  }

  void check_classes() {
    constexpr std::array<std::string_view, 4> kLists = {"mydestination", "virtual_alias_domains",
                                                        "virtual_mailbox_domains", "relay_domains"};
    for (std::size_t i = 0; i < kLists.size(); ++i) {
      for (std::size_t j = i + 1; j < kLists.size(); ++j) {
        if (i == 0 && kLists[j] == "relay_domains") continue;  // by default they are the same
        const auto earlier = literals(kLists[i]);
        for (const std::string& domain : literals(kLists[j])) {
          if (!earlier.contains(domain)) continue;
          add(FindingCode::domain_in_two_classes, view_.origin(kLists[j]),
              fmt::format("do not list domain {} in BOTH {} and {}", printable(domain, 100), kLists[i], kLists[j]));
        }
      }
    }
  }

  void check_local() {
    const bool refuses = split_transport(value("local_transport")).transport == "error";
    if (!refuses || is_empty("mydestination") || !view_.is_set("mydestination")) return;
    add(FindingCode::local_mail_refused, view_.origin("mydestination"),
        fmt::format("mydestination = {}, but local_transport = {} refuses mail for these domains",
                    printable(value("mydestination"), 200), printable(value("local_transport"), 100)));
  }

  const Subject& subject_;
  const config::Configuration& configuration_;
  config::View view_;
  config::Findings& findings_;
};

}  // namespace

void review_routing(const Subject& subject, config::Findings& findings) { RoutingReview(subject, findings).run(); }

}  // namespace waypost::review
