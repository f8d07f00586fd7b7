#include "daemon/preflight.h"

#include <fmt/format.h>

#include "config/check.h"
#include "config/reader.h"
#include "daemon/pid_file.h"
#include "daemon/privileges.h"
#include "daemon/transport_set.h"
#include "review/review.h"

namespace waypost::daemon {
namespace {

std::vector<review::Listener> listeners_of(const Snapshot& snapshot) {
  std::vector<review::Listener> out;
  for (const auto& plan : snapshot.smtpd) {
    const auto& protocol = plan.settings.protocol;
    out.push_back({.service = plan.service,
                   .endpoints = plan.endpoints,
                   .policy = plan.policy,
                   .refusal = plan.refusal,
                   .auth_enabled = protocol.auth_enable,
                   .auth_possible = plan.sasl.type != SaslPlan::Type::none,
                   .tls_offered = protocol.tls != smtp::ServerTls::none || protocol.tls_wrapper,
                   .tls_required = protocol.tls == smtp::ServerTls::encrypt || protocol.tls_wrapper,
                   .certificate_asked = plan.settings.tls_ask_certificate,
                   .helo_required = protocol.helo_required,
                   .proxy_header = plan.settings.proxy_header,
                   .xclient_hosts = &plan.client_lists[static_cast<std::size_t>(smtp_server::ClientList::xclient)]});
  }
  return out;
}

review::Subject subject_of(const Snapshot& snapshot, const std::vector<review::Listener>& listeners,
                           const Clock& clock) {
  return {.configuration = *snapshot.configuration,
          .router = *snapshot.router,
          .listeners = listeners,
          .now = clock.wall(),
          .agents = delivery_commands()};
}

void check_owner(const config::Configuration& configuration, config::Findings& findings) {
  const auto view = configuration.view();
  const auto owner = view.value("mail_owner");
  if (!owner) return;  // named by whoever reads it
  if (auto ids = mail_owner_ids(*owner); !ids) {
    const auto origin = view.origin("mail_owner");
    findings.push_back(
        config::make_finding(config::FindingCode::unknown_user, origin.file, origin.line, ids.error().text));
  }
}

}  // namespace

std::shared_ptr<const Snapshot> examine(std::shared_ptr<const config::Configuration> configuration, const Log& log,
                                        const Clock& clock, const Snapshot* previous, Purpose purpose,
                                        config::Findings& findings) {
  for (auto& finding : config::check(*configuration)) findings.push_back(std::move(finding));
  auto snapshot = build_snapshot(std::move(configuration), log, clock, previous, findings);
  for (const auto& plan : snapshot->smtpd) {
    if (plan.refusal.empty()) continue;
    auto finding = plan.refusal_finding;
    if (purpose == Purpose::start) {
      finding.severity = config::Severity::warning;
      finding.text = fmt::format("service {} does not serve: {}", plan.key, plan.refusal);
    }
    findings.push_back(std::move(finding));
  }
  const auto listeners = listeners_of(*snapshot);
  config::Findings reviewed;
  review::review(subject_of(*snapshot, listeners, clock), reviewed);
  for (auto& finding : reviewed) {
    const bool is_served = finding.code == config::FindingCode::open_relay && purpose != Purpose::check;
    if (is_served) finding.severity = config::Severity::warning;
    findings.push_back(std::move(finding));
  }
  config::remove_repeated(findings);
  return snapshot;
}

config::Findings preflight(const std::string& config_directory) {
  config::Findings findings;
  const auto loaded = config::load(config_directory, findings);
  if (!loaded) {
    if (!config::has_errors(findings)) {
      const auto code = loaded.error().code == Errc::not_found ? config::FindingCode::missing_file
                                                               : config::FindingCode::unreadable_file;
      findings.push_back(config::make_finding(code, "", 0, loaded.error().text));
    }
    return findings;
  }
  const SystemClock clock;
  NullLog log;
  const auto snapshot = examine(*loaded, Log(log, "postfix/check", 0), clock, nullptr, Purpose::check, findings);
  check_owner(**loaded, findings);
  const auto runs = PidFile::holder(snapshot->paths.pid_file);
  if (runs && !*runs) review::review_ports(listeners_of(*snapshot), findings);
  config::sort_by_place(findings);
  return findings;
}

Result<review::RelayProof> prove_relay(const std::string& config_directory, config::Findings& findings) {
  const auto loaded = config::load(config_directory, findings);
  if (!loaded) return std::unexpected(loaded.error());
  const SystemClock clock;
  NullLog log;
  const auto snapshot = build_snapshot(*loaded, Log(log, "postfix/check", 0), clock, nullptr, findings);
  return review::prove_relay(**loaded, *snapshot->router, listeners_of(*snapshot));
}

}  // namespace waypost::daemon
