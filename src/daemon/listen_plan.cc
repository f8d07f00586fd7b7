#include "daemon/listen_plan.h"

#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "config/reader.h"
#include "daemon/settings.h"
#include "routing/nexthop.h"

namespace waypost::daemon {
namespace {

struct HostPort {
  std::string host, port;
};

// "[::1]:25" and "host:25" have a host; "smtp" and "25" have none.
HostPort split_name(std::string_view name) {
  const auto colon = name.rfind(':');
  if (colon == std::string_view::npos) return {"", std::string(name)};
  auto host = name.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {std::string(host), std::string(name.substr(colon + 1))};
}

bool wants(config::Reader& reader, std::string_view protocol) {
  const auto words = reader.list("inet_protocols");
  return std::ranges::any_of(words,
                             [&](const std::string& word) { return iequals(word, "all") || iequals(word, protocol); });
}

// Where a service without a host listens: the wildcard addresses, or each address that inet_interfaces names.
std::vector<std::string> usual_hosts(const config::Configuration& configuration, config::Reader& reader) {
  const auto words = reader.list("inet_interfaces");
  if (std::ranges::any_of(words, [](const std::string& word) { return iequals(word, "all"); })) {
    std::vector<std::string> out;
    if (wants(reader, "ipv4")) out.emplace_back("0.0.0.0");
    if (wants(reader, "ipv6") && configuration.machine.has_ipv6) out.emplace_back("::");
    return out;
  }
  return own_addresses(configuration, reader);
}

std::optional<std::vector<net::Endpoint>> endpoints_of(const config::Configuration& configuration,
                                                       const config::Service& service, config::Reader& reader,
                                                       config::Findings& findings) {
  const auto refuse = [&](config::FindingCode code, std::string text) {
    findings.push_back(config::make_finding(code, service.file, service.line, std::move(text)));
    return std::nullopt;
  };
  auto [host, port_text] = split_name(service.name);
  const auto port = routing::port_number(port_text);
  if (!port)
    return refuse(config::FindingCode::unknown_port, fmt::format("service {}: unknown port or service name \"{}\"",
                                                                 service.name, printable(port_text, 80)));
  if (iequals(host, "localhost")) host = "127.0.0.1";
  if (!host.empty() && net::literal_family(host) == AF_UNSPEC) {
    return refuse(config::FindingCode::bad_listen_address,
                  fmt::format("service {}: \"{}\" is not an address", service.name, printable(host, 80)));
  }
  std::vector<net::Endpoint> out;
  const auto hosts = host.empty() ? usual_hosts(configuration, reader) : std::vector{host};
  for (const auto& address : hosts) out.push_back({address, *port});
  return out;
}

}  // namespace

std::vector<ListenPlan> plan_listeners(const config::Configuration& configuration, config::Findings& findings) {
  std::vector<ListenPlan> out;
  for (const auto& service : configuration.master.services()) {
    if (service.type != "inet" || configuration.master.is_replaced(service)) continue;
    if (service.command != "smtpd") {
      findings.push_back(
          {config::Severity::error, service.file, service.line,
           fmt::format("service {}: {} as a network service is not supported yet", service.name, service.command),
           config::FindingCode::unsupported_command});
      continue;
    }
    const auto view = configuration.view(&service);
    config::Reader reader(view, findings);
    if (auto endpoints = endpoints_of(configuration, service, reader, findings))
      out.push_back({&service, std::move(*endpoints)});
  }
  return out;
}

}  // namespace waypost::daemon
