#include "daemon/preflight.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/check.h"
#include "config/load.h"
#include "daemon/snapshot.h"

namespace waypost::daemon {

config::Findings preflight(const std::string& config_directory) {
  config::Findings findings;
  const auto loaded = config::load(config_directory, findings);
  if (!loaded) {
    if (!config::has_errors(findings)) findings.push_back({config::Severity::error, "", 0, loaded.error().text});
    return findings;
  }
  for (auto& finding : config::check(**loaded)) findings.push_back(std::move(finding));
  const SystemClock clock;
  NullLog log;
  const auto snapshot = build_snapshot(*loaded, Log(log, "postfix/check", 0), clock, nullptr, findings);
  for (const auto& plan : snapshot->smtpd) {
    if (!plan.refusal.empty())
      findings.push_back({config::Severity::error, "", 0, "service " + plan.key + ": " + plan.refusal});
  }
  return findings;
}

}  // namespace waypost::daemon
