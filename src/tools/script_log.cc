#include "tools/script_log.h"

#include <unistd.h>

#include <fmt/format.h>

#include "daemon/log_target.h"
#include "tools/commands.h"
#include "tools/console.h"

namespace waypost::tools {

ScriptLog::ScriptLog(const Context& context, std::string_view tag) : tag_(tag) {
  // The terminal gets every line anyway: only a file or syslog is a second place.
  if (daemon::log_target(*context.configuration, false).target == events::LogWriter::Target::standard_output) return;
  if (auto opened = daemon::open_mail_log(*context.configuration, false)) sink_ = std::move(*opened);
}

ScriptLog::~ScriptLog() = default;
ScriptLog::ScriptLog(ScriptLog&&) noexcept = default;

void ScriptLog::write(LogLevel level, std::string_view text) {
  const Console console(tag_);
  console.info(fmt::format("{}{}", log_prefix(level), text));
  if (sink_) sink_->write(level, tag_, static_cast<std::uint32_t>(::getpid()), text);
}

void ScriptLog::note(std::string_view text) {
  if (sink_) sink_->write(LogLevel::info, tag_, static_cast<std::uint32_t>(::getpid()), text);
}

int ScriptLog::fatal(std::string_view text) {
  write(LogLevel::fatal, text);
  return kExitFailure;
}

void ScriptLog::finding(const config::Finding& finding) {
  const auto text = config::describe_fully(finding);
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
