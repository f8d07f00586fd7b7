// Passwords for other servers: rows that fit none, servers without a row, passwords that would go in clear.
//
// smtp_sasl_password_maps is searched for the server's host name, then for the nexthop exactly as it is routed.
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

// Ports where servers take mail from clients, and want to know from whom.
constexpr std::array<std::uint16_t, 3> kSubmissionPorts = {465, 587, 2525};
constexpr std::size_t kMaxFindings = 50;

struct Row {
  const TextTable* table = nullptr;
  const TableRow* row = nullptr;
};

// The host without brackets and port, as far as a key has that shape.
std::string host_of(std::string_view key) {
  const auto nexthop = routing::parse_nexthop(key);
  return nexthop ? to_lower(nexthop->host) : std::string();
}

bool fits(std::string_view key, const Target& target) {
  return key == to_lower(target.text) || key == host_of(target.text);
}

class CredentialsReview {
 public:
  CredentialsReview(const Subject& subject, config::Findings& findings)
      : configuration_(subject.configuration), routes_(collect_routes(subject.configuration)), findings_(findings) {}

  void run() {
    for (const config::Service& service : configuration_.master.services()) {
      if (!service.is_delivery_agent() || configuration_.master.is_replaced(service) || service.command != "smtp")
        continue;
      const config::View view = configuration_.view(&service);
      if (iequals(view.value("smtp_sasl_auth_enable").value_or(""), "yes")) {
        check_service(service, view);
        uses_passwords_ = true;
      }
    }
    tell_unused();
    const config::View main = configuration_.view();
    if (!uses_passwords_ && main.is_set("smtp_sasl_password_maps") &&
        !trim(main.value("smtp_sasl_password_maps").value_or("")).empty())
      add(FindingCode::credentials_unused, main.origin("smtp_sasl_password_maps"),
          "smtp_sasl_password_maps is set, but smtp_sasl_auth_enable = no: nobody is logged in to",
          "set smtp_sasl_auth_enable = yes");
  }

 private:
  // What is known of one table after all services that use it.
  struct Use {
    std::set<std::string> used;    // keys
    bool uncertain_hosts = false;  // a service sends to hosts that the files do not name
    bool sender_dependent = false;
    std::vector<std::string> wanted;  // nexthops that the services have
  };

  void add(FindingCode code, const config::Origin& origin, std::string text, std::string remedy = {}) {
    if (told_.insert(text).second && told_.size() <= kMaxFindings)
      findings_.push_back(make_finding(code, origin.file, origin.line, std::move(text), std::move(remedy)));
  }

  std::vector<Row> rows_of(const config::View& view, bool& is_complete) {
    std::vector<Row> rows;
    for (const std::string_view word : tables::split_list(view.value("smtp_sasl_password_maps").value_or(""))) {
      auto [at, is_new] = tables_.try_emplace(std::string(word));
      if (is_new) at->second = read_text_table(word);
      if (!at->second || at->second->patterns || word.starts_with("static:")) {
        is_complete = false;
        continue;
      }
      for (const TableRow& row : at->second->rows) rows.push_back({&*at->second, &row});
    }
    return rows;
  }

  void check_service(const config::Service& service, const config::View& view) {
    bool is_complete = true;
    const std::vector<Row> rows = rows_of(view, is_complete);
    const bool by_sender = iequals(view.value("smtp_sender_dependent_authentication").value_or(""), "yes");
    std::vector<Target> targets;
    for (const Target& target : routes_.targets) {
      if (target.service == service.name) targets.push_back(target);
    }
    if (targets.empty() && !routes_.is_direct(service.name)) return;  // nothing is sent by it
    for (const Target& target : targets) {
      if (is_complete && !by_sender) check_target(target, rows);
    }
    check_passwords(view, rows);
    note_use(service, rows, targets, by_sender);
    check_security(service, view, targets);
  }

  // "name" alone has an empty password.
  void check_passwords(const config::View& view, const std::vector<Row>& rows) {
    const std::string delimiter = view.value("smtp_sasl_password_result_delimiter").value_or(":");
    for (const Row& row : rows) {
      if (row.table->file.empty() || row.row->value.find(delimiter) != std::string::npos) continue;
      add(FindingCode::bad_row, {row.table->file, row.row->line},
          fmt::format("{}: the row \"{}\" has no password", row.table->name, printable(row.row->key, 100)),
          fmt::format("write the value as name{}password", delimiter));
    }
  }

  void note_use(const config::Service& service, const std::vector<Row>& rows, const std::vector<Target>& targets,
                bool by_sender) {
    for (const Row& row : rows) {
      Use& use = uses_[row.table];
      use.sender_dependent |= by_sender;
      use.uncertain_hosts |= !routes_.complete || routes_.is_direct(service.name);
      for (const Target& target : targets) {
        if (fits(row.row->key, target)) use.used.insert(row.row->key);
        const auto nexthop = routing::parse_nexthop(target.text);
        use.uncertain_hosts |= nexthop && !nexthop->bracketed;  // its MX hosts
        if (std::ranges::find(use.wanted, target.text) == use.wanted.end()) use.wanted.push_back(target.text);
      }
    }
  }

  // A server that is meant to be logged in to, and no row fits.
  void check_target(const Target& target, const std::vector<Row>& rows) {
    if (std::ranges::any_of(rows, [&](const Row& row) { return fits(row.row->key, target); })) return;
    const auto nexthop = routing::parse_nexthop(target.text);
    if (!nexthop) return;
    const auto near = std::ranges::find_if(rows, [&](const Row& row) {
      return row.row->key.find('@') == std::string::npos && host_of(row.row->key) == host_of(target.text);
    });
    if (near != rows.end()) {
      return add(FindingCode::credentials_missing, target.origin,
                 fmt::format("{}: no credentials for {}: {} has \"{}\", which is another key", target.parameter,
                             printable(target.text, 100), near->table->name, printable(near->row->key, 100)),
                 fmt::format("write {} in the table", printable(target.text, 100)));
    }
    const auto port = nexthop->port.empty() ? std::optional<std::uint16_t>(25) : routing::port_number(nexthop->port);
    const bool is_submission = port && std::ranges::find(kSubmissionPorts, *port) != kSubmissionPorts.end();
    // A route beside the main one may well go to a server that knows us by address.
    if (target.parameter == "transport_maps" && !is_submission) return;
    if (!nexthop->bracketed && !is_submission) return;  // by its MX hosts, perhaps
    add(FindingCode::credentials_missing, target.origin,
        fmt::format("{}: no credentials for {} in smtp_sasl_password_maps", target.parameter,
                    printable(target.text, 100)));
  }

  void tell_unused() {
    for (const auto& [table, use] : uses_) {
      for (const TableRow& row : table->rows) tell_if_unused(*table, row, use);
    }
  }

  void tell_if_unused(const TextTable& table, const TableRow& row, const Use& use) {
    if (use.used.contains(row.key)) return;
    const config::Origin origin = table.file.empty() ? configuration_.view().origin("smtp_sasl_password_maps")
                                                     : config::Origin{table.file, row.line};
    const bool is_sender = row.key.find('@') != std::string::npos;
    if (is_sender) {
      if (use.sender_dependent) return;
      return add(FindingCode::credentials_unused, origin,
                 fmt::format("{}: the row \"{}\" is for a sender, but smtp_sender_dependent_authentication = no",
                             table.name, printable(row.key, 100)),
                 "set smtp_sender_dependent_authentication = yes");
    }
    // Where mail goes to hosts that DNS names, a bare host name may be one of them; a nexthop in brackets is never.
    const bool is_nexthop = row.key.starts_with('[');
    if (!routes_.complete || (use.uncertain_hosts && !is_nexthop)) return;
    if (use.sender_dependent && !is_nexthop) return;
    const auto near = std::ranges::find_if(
        use.wanted, [&](const std::string& wanted) { return host_of(wanted) == host_of(row.key); });
    add(FindingCode::credentials_unused, origin,
        fmt::format(
            "{}: the row \"{}\" fits no nexthop in use{}", table.name, printable(row.key, 100),
            use.wanted.empty()
                ? ""
                : fmt::format(" ({})", fmt::join(use.wanted.begin(),
                                                 use.wanted.begin() + static_cast<std::ptrdiff_t>(
                                                                          std::min<std::size_t>(use.wanted.size(), 5)),
                                                 ", "))),
        near == use.wanted.end() ? "" : fmt::format("write {}", *near));
  }

  // "service slow: " where master.cf decides it; what main.cf says is told once for all services.
  static std::string place_of(const config::Service& service) {
    constexpr std::array<std::string_view, 4> kDeciding = {"smtp_sasl_auth_enable", "smtp_sasl_security_options",
                                                           "smtp_tls_security_level", "smtp_enforce_tls"};
    const bool is_own =
        std::ranges::any_of(kDeciding, [&](std::string_view name) { return service.find_override(name) != nullptr; });
    return is_own ? fmt::format("service {}: ", service.name) : std::string();
  }

  // Whether the password is safe on its way, and is sent at all.
  void check_security(const config::Service& service, const config::View& view, const std::vector<Target>& targets) {
    const auto has = [&](std::string_view name, std::string_view word) {
      const auto words = config::split_list(view.value(name).value_or(""));
      return std::ranges::any_of(words, [&](const std::string& given) { return iequals(given, word); });
    };
    const std::string level = to_lower(trim(view.value("smtp_tls_security_level").value_or("")));
    const bool is_on = [&] {
      if (!level.empty()) return level != "none" && level != "may";
      return iequals(view.value("smtp_enforce_tls").value_or(""), "yes");
    }();
    const bool is_private = std::ranges::all_of(targets, [](const Target& target) {
      const auto nexthop = routing::parse_nexthop(target.text);
      return nexthop &&
             (nexthop->host.starts_with("127.") || nexthop->host == "::1" || iequals(nexthop->host, "localhost"));
    });
    const config::Origin origin = view.is_set("smtp_sasl_security_options") ? view.origin("smtp_sasl_security_options")
                                                                            : view.origin("smtp_sasl_auth_enable");
    if (!has("smtp_sasl_security_options", "noplaintext")) {
      if (is_on || (is_private && !targets.empty())) return;
      if (!trim(view.value("smtp_tls_policy_maps").value_or("")).empty()) return;  // decided there
      return add(FindingCode::password_in_clear, origin,
                 fmt::format("{}smtp_tls_security_level = {} lets the password for the server go in clear",
                             place_of(service), level.empty() ? "none" : level),
                 "set smtp_tls_security_level = encrypt");
    }
    const bool by_default =
        !view.is_set("smtp_sasl_security_options") && !view.is_set("smtp_sasl_tls_security_options");
    if (!by_default || !trim(view.value("smtp_sasl_mechanism_filter").value_or("")).empty()) return;
    add(FindingCode::plaintext_mechanisms_off, origin,
        fmt::format("{}smtp_sasl_security_options has its default noplaintext: PLAIN and LOGIN are not used",
                    place_of(service)));
  }

  const config::Configuration& configuration_;
  Routes routes_;
  config::Findings& findings_;
  std::map<std::string, std::optional<TextTable>> tables_;
  std::map<const TextTable*, Use> uses_;
  std::set<std::string> told_;
  bool uses_passwords_ = false;
};

}  // namespace

void review_credentials(const Subject& subject, config::Findings& findings) {
  CredentialsReview(subject, findings).run();
}

}  // namespace waypost::review
