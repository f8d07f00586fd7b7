// TLS: certificates that have expired or will, levels that can verify nothing, TLS from the first byte where it is not
// spoken. Files that cannot be used at all are found by whoever loads them.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/text.h"
#include "config/values.h"
#include "review/certificate.h"
#include "review/review.h"
#include "review/routes.h"

namespace waypost::review {
namespace {

using config::FindingCode;
using config::make_finding;

constexpr std::uint16_t kSmtpsPort = 465;

bool is_yes(const config::View& view, std::string_view name) {
  return iequals(trim(view.value(name).value_or("")), "yes");
}

class TlsReview {
 public:
  TlsReview(const Subject& subject, config::Findings& findings)
      : subject_(subject),
        configuration_(subject.configuration),
        routes_(collect_routes(configuration_)),
        findings_(findings) {}

  void run() {
    for (const Listener& listener : subject_.listeners) {
      const config::View view = configuration_.view(listener.service);
      if (listener.tls_offered) check_certificates(view, "smtpd");
      check_listener_port(listener, view);
    }
    for (const config::Service& service : configuration_.master.services()) {
      if (!service.is_delivery_agent() || configuration_.master.is_replaced(service) || service.command != "smtp")
        continue;
      check_client(service, configuration_.view(&service));
    }
  }

 private:
  void add(FindingCode code, const config::Origin& origin, std::string text, std::string remedy = {}) {
    findings_.push_back(make_finding(code, origin.file, origin.line, std::move(text), std::move(remedy)));
  }

  void check_certificates(const config::View& view, std::string_view prefix) {
    for (const auto* suffix : {"_tls_chain_files", "_tls_cert_file", "_tls_eccert_file"}) {
      const std::string name = fmt::format("{}{}", prefix, suffix);
      for (const std::string& file : config::split_list(view.value(name).value_or(""))) {
        if (!file.starts_with('/') || !checked_.insert(file).second) continue;
        for (const CertificateDates& dates : certificates_in(file)) check_dates(dates, file, name, view.origin(name));
      }
    }
  }

  void check_dates(const CertificateDates& dates, const std::string& file, const std::string& name,
                   const config::Origin& origin) {
    const auto day = [](std::chrono::system_clock::time_point when) {
      return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::to_time_t(when)));
    };
    const std::string who = fmt::format("{}: the certificate {} in {}", name, printable(dates.subject, 100), file);
    if (dates.not_after < subject_.now) {
      add(FindingCode::certificate_expired, origin, fmt::format("{} expired on {}", who, day(dates.not_after)));
    } else if (dates.not_after < subject_.now + kExpiryWarning) {
      add(FindingCode::certificate_expires_soon, origin, fmt::format("{} expires on {}", who, day(dates.not_after)));
    }
    if (dates.not_before > subject_.now) {
      add(FindingCode::certificate_not_yet_valid, origin,
          fmt::format("{} is not valid before {}", who, day(dates.not_before)));
    }
  }

  // 465 is TLS from the first byte (RFC 8314 §7.3); 25 and 587 begin in clear (RFC 3207, RFC 6409).
  void check_listener_port(const Listener& listener, const config::View& view) {
    const bool wraps = is_yes(view, "smtpd_tls_wrappermode");
    const auto on = [&](std::uint16_t port) {
      return std::ranges::any_of(listener.endpoints,
                                 [&](const net::Endpoint& endpoint) { return endpoint.port == port; });
    };
    const config::Origin origin{listener.service->file, listener.service->line};
    if (on(kSmtpsPort) && !wraps) {
      add(FindingCode::wrappermode_missing, origin,
          fmt::format("service {}: port 465 without smtpd_tls_wrappermode = yes", listener.service->name),
          "set smtpd_tls_wrappermode = yes for this service");
    }
    if (wraps && (on(25) || on(587))) {
      add(FindingCode::wrappermode_unexpected, origin,
          fmt::format("service {}: smtpd_tls_wrappermode = yes on a port where clients begin in clear",
                      listener.service->name),
          "set smtpd_tls_wrappermode = no for this service");
    }
  }

  void check_client(const config::Service& service, const config::View& view) {
    check_certificates(view, "smtp");
    const std::string level = to_lower(trim(view.value("smtp_tls_security_level").value_or("")));
    const bool used = routes_.is_direct(service.name) ||
                      std::ranges::any_of(routes_.targets, [&](const Target& t) { return t.service == service.name; });
    const bool trusts = !trim(view.value("smtp_tls_CAfile").value_or("")).empty() ||
                        !trim(view.value("smtp_tls_CApath").value_or("")).empty() ||
                        is_yes(view, "tls_append_default_CA");
    if (used && (level == "verify" || level == "secure") && !trusts) {
      add(FindingCode::no_trust_anchors, view.origin("smtp_tls_security_level"),
          fmt::format("service {}: smtp_tls_security_level = {}, but smtp_tls_CAfile and smtp_tls_CApath are empty",
                      service.name, level));
    }
    const bool wraps = is_yes(view, "smtp_tls_wrappermode");
    for (const Target& target : routes_.targets) {
      if (target.service == service.name) check_target(target, view, wraps);
    }
  }

  void check_target(const Target& target, const config::View& view, bool wraps) {
    const auto nexthop = routing::parse_nexthop(target.text);
    if (!nexthop) return;
    const auto port =
        routing::port_number(nexthop->port.empty() ? view.value("smtp_tcp_port").value_or("25") : nexthop->port);
    if (!port) return;
    if (*port == kSmtpsPort && !wraps && told_.insert(target.text).second) {
      add(FindingCode::wrappermode_missing, target.origin,
          fmt::format("{}: \"{}\" speaks TLS from the first byte, service {} does not", target.parameter,
                      printable(target.text, 100), target.service),
          "set smtp_tls_wrappermode = yes and smtp_tls_security_level = encrypt for the service, or use port 587");
    }
    if (wraps && (*port == 25 || *port == 587) && told_.insert(target.text).second) {
      add(FindingCode::wrappermode_unexpected, target.origin,
          fmt::format("{}: \"{}\" begins in clear, but service {} has smtp_tls_wrappermode = yes", target.parameter,
                      printable(target.text, 100), target.service),
          "set smtp_tls_wrappermode = no for the service, or use port 465");
    }
  }

  const Subject& subject_;
  const config::Configuration& configuration_;
  Routes routes_;
  config::Findings& findings_;
  std::set<std::string> checked_, told_;
};

}  // namespace

void review_tls(const Subject& subject, config::Findings& findings) { TlsReview(subject, findings).run(); }

}  // namespace waypost::review
