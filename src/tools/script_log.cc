#include "tools/script_log.h"

#include <unistd.h>

#include <fmt/format.h>

#include "daemon/log_target.h"
#include "tools/commands.h"
#include "tools/console.h"

namespace waypost::tools {
namespace {

constexpr std::string_view kTag = "postfix/postfix-script";

}  // namespace

ScriptLog::ScriptLog(const Context& context) {
  // The terminal gets every line anyway: only a file or syslog is a second place.
  if (daemon::log_target(*context.configuration, false).target == events::LogWriter::Target::standard_output) return;
  if (auto opened = daemon::open_mail_log(*context.configuration, false)) sink_ = std::move(*opened);
}

ScriptLog::~ScriptLog() = default;
ScriptLog::ScriptLog(ScriptLog&&) noexcept = default;

void ScriptLog::write(LogLevel level, std::string_view text) {
  const Console console{std::string(kTag)};
  console.info(fmt::format("{}{}", log_prefix(level), text));
  if (sink_) sink_->write(level, kTag, static_cast<std::uint32_t>(::getpid()), text);
}

int ScriptLog::fatal(std::string_view text) {
  write(LogLevel::fatal, text);
  return kExitFailure;
}

void ScriptLog::finding(const config::Finding& finding) {
  const auto text = config::describe(finding);
  switch (finding.severity) {
    case config::Severity::info:
      return info(text);
    case config::Severity::warning:
      return warning(text);
    case config::Severity::error:
      return error(text);
  }
}

}  // namespace waypost::tools
