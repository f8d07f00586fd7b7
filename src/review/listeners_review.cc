// Listeners: endpoints that two services want, AUTH that cannot work or shows passwords, ports that cannot be opened.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/text.h"
#include "config/values.h"
#include "review/review.h"
#include "tables/cidr.h"

namespace waypost::review {
namespace {

using config::FindingCode;
using config::make_finding;

constexpr std::uint16_t kSubmissionPort = 587;

void add(config::Findings& findings, FindingCode code, const Listener& listener, std::string text,
         std::string remedy = {}) {
  const config::Service& service = *listener.service;
  findings.push_back(make_finding(code, service.file, service.line, fmt::format("service {}: {}", service.name, text),
                                  std::move(remedy)));
}

void check_endpoints(const std::vector<Listener>& listeners, config::Findings& findings) {
  std::map<std::string, const Listener*> taken;
  for (const Listener& listener : listeners) {
    for (const net::Endpoint& endpoint : listener.endpoints) {
      const auto [at, is_new] = taken.emplace(endpoint.to_string(), &listener);
      if (is_new || at->second == &listener) continue;
      add(findings, FindingCode::duplicate_listener, listener,
          fmt::format("{} is where service {} (line {}) listens already", endpoint.to_string(),
                      at->second->service->name, at->second->service->line));
    }
  }
}

bool is_loopback_only(const Listener& listener) {
  return std::ranges::all_of(listener.endpoints, [](const net::Endpoint& endpoint) {
    return endpoint.is_unix || endpoint.address.starts_with("127.") || endpoint.address == "::1";
  });
}

// A backend that is configured but not there.
void check_backend(const Listener& listener, const config::View& view, config::Findings& findings) {
  const std::string type = to_lower(trim(view.value("smtpd_sasl_type").value_or("")));
  std::string path;
  if (type == "waypost") {
    path = trim(view.value("waypost_sasl_password_file").value_or(""));
    if (path.empty()) {
      return add(findings, FindingCode::no_sasl_backend, listener,
                 "smtpd_sasl_type = waypost, but waypost_sasl_password_file is empty",
                 "set waypost_sasl_password_file and add users with `waypost sasl-user add`");
    }
  } else if (type == "dovecot") {
    path = trim(view.value("smtpd_sasl_path").value_or(""));
    if (path.starts_with("inet:")) return;
    if (path.starts_with("unix:")) path.erase(0, 5);
    if (!path.starts_with('/')) path = view.value("queue_directory").value_or("") + "/" + path;
  }
  struct stat info{};
  if (path.empty() || ::stat(path.c_str(), &info) == 0 || errno != ENOENT) return;
  add(findings, FindingCode::no_sasl_backend, listener, fmt::format("AUTH is enabled, but there is no {}", path),
      type == "waypost" ? "add users with `waypost sasl-user add`" : "start Dovecot with an auth socket at that path");
}

void check_auth(const Listener& listener, const config::View& view, config::Findings& findings) {
  if (!listener.auth_enabled) {
    const bool is_submission =
        std::ranges::any_of(listener.endpoints, [](const net::Endpoint& e) { return e.port == kSubmissionPort; });
    if (is_submission)
      add(findings, FindingCode::submission_without_auth, listener,
          "the submission port 587 without smtpd_sasl_auth_enable = yes");
    return;
  }
  check_backend(listener, view, findings);
  const auto options = config::split_list(view.value("smtpd_sasl_security_options").value_or(""));
  const bool shows_password = std::ranges::find(options, "noplaintext") == options.end();
  const bool in_clear = !listener.tls_required && !iequals(trim(view.value("smtpd_tls_auth_only").value_or("")), "yes");
  if (!shows_password || !in_clear || is_loopback_only(listener)) return;
  add(findings, FindingCode::password_in_clear, listener,
      listener.tls_offered ? "clients may authenticate before STARTTLS"
                           : "clients authenticate, and TLS is not offered",
      listener.tls_offered ? "set smtpd_tls_auth_only = yes"
                           : "set smtpd_tls_security_level = encrypt and smtpd_tls_chain_files");
}

// "192.168.1", "10.0.0.*", "10.0.0.1-10.0.0.9": meant as addresses, taken as names that no host has.
bool is_taken_as_name(std::string_view word) {
  const bool is_numeric = !word.empty() && is_digit(word.front()) && word.find('.') != std::string_view::npos &&
                          word.find_first_not_of("0123456789.*-") == std::string_view::npos;
  return is_numeric && !tables::parse_address(word);
}

void check_names(const config::View& view, std::string_view parameter, config::Findings& findings) {
  const auto origin = view.origin(parameter);
  for (const std::string& item : config::split_list(view.value(parameter).value_or(""))) {
    const std::string_view word = std::string_view(item).substr(item.starts_with('!') ? 1 : 0);
    if (!is_taken_as_name(word)) continue;
    findings.push_back(make_finding(
        FindingCode::bad_pattern, origin.file, origin.line,
        fmt::format("{}: \"{}\" is no address: it is taken as the name of a host", parameter, printable(word, 60)),
        "write an address, or a network: 192.168.1.0/24"));
  }
}

// Items of a list that hold more of the address space than anybody has. A mistake of main.cf that the services share is
// told once.
void check_networks(const Listener& listener, const config::View& view, std::string_view parameter,
                    config::Findings& findings) {
  constexpr std::uint64_t kWidest4 = 7, kWidest6 = 15;
  for (const std::string& word : config::split_list(view.value(parameter).value_or(""))) {
    const auto slash = word.rfind('/');
    if (word.starts_with('!') || slash == std::string::npos || slash == 0) continue;
    const auto bits = parse_number(std::string_view(word).substr(slash + 1), 128);
    const bool v6 = word.find(':') != std::string::npos;
    if (!bits || *bits > (v6 ? kWidest6 : kWidest4)) continue;
    // All of the private and local space is narrower than that, but fc00::/7 and fe80::/10.
    if (istarts_with(word, "[f") || istarts_with(word, "f")) continue;
    auto origin = view.origin(parameter);
    if (origin.line == 0) origin = {listener.service->file, listener.service->line};
    findings.push_back(make_finding(FindingCode::wide_network, origin.file, origin.line,
                                    fmt::format("{}: {} trusts a large part of the Internet", parameter, word)));
  }
}

// 0, or the errno of binding there.
int try_bind(const net::Endpoint& endpoint) {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const int family = endpoint.family();
  if (family == AF_INET) {
    auto* const address = reinterpret_cast<sockaddr_in*>(&storage);
    address->sin_family = AF_INET;
    address->sin_port = htons(endpoint.port);
    ::inet_pton(AF_INET, endpoint.address.c_str(), &address->sin_addr);
    length = sizeof *address;
  } else if (family == AF_INET6) {
    auto* const address = reinterpret_cast<sockaddr_in6*>(&storage);
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(endpoint.port);
    ::inet_pton(AF_INET6, endpoint.address.c_str(), &address->sin6_addr);
    length = sizeof *address;
  } else {
    return 0;
  }
  const Descriptor fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) return 0;
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0 ? 0 : errno;
}

}  // namespace

void review_listeners(const Subject& subject, config::Findings& findings) {
  check_endpoints(subject.listeners, findings);
  for (const Listener& listener : subject.listeners) {
    const config::View view = subject.configuration.view(listener.service);
    check_auth(listener, view, findings);
    // Who may use XCLIENT can claim to be anybody, also one of our own.
    for (const auto* parameter : {"mynetworks", "smtpd_authorized_xclient_hosts"}) {
      check_networks(listener, view, parameter, findings);
      check_names(view, parameter, findings);
    }
  }
}

void review_ports(const std::vector<Listener>& listeners, config::Findings& findings) {
  for (const Listener& listener : listeners) {
    for (const net::Endpoint& endpoint : listener.endpoints) {
      const int error = try_bind(endpoint);
      const std::string where = endpoint.to_string();
      if (error == EADDRINUSE)
        add(findings, FindingCode::port_taken, listener, fmt::format("another program listens at {}", where));
      if (error == EADDRNOTAVAIL)
        add(findings, FindingCode::address_not_here, listener,
            fmt::format("no interface of this host has the address of {}", where));
      if (error == EACCES)
        add(findings, FindingCode::port_needs_root, listener,
            fmt::format("the user who runs this may not open {}", where));
    }
  }
}

}  // namespace waypost::review
