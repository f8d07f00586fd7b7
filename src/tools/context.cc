#include "tools/context.h"

#include <fmt/format.h>

#include "config/reader.h"
#include "daemon/settings.h"

namespace waypost::tools {

Result<Context> open_context(const std::string& config_directory) {
  Context context;
  context.config_directory = config::config_directory(config_directory);
  config::Findings findings;
  auto loaded = config::load(context.config_directory, findings, {.overrides = {}, .read_master = false});
  if (!loaded) return std::unexpected(loaded.error());
  context.configuration = std::move(*loaded);
  const auto view = context.configuration->view();
  config::Reader reader(view, findings);
  context.paths = daemon::read_paths(reader);
  context.message_size_limit = static_cast<std::size_t>(reader.number("message_size_limit"));
  context.long_queue_ids = reader.flag("enable_long_queue_ids");
  context.authorized_submit_users = reader.text("authorized_submit_users");
  for (const auto& finding : findings) {
    if (finding.severity == config::Severity::error) return fail(Errc::invalid, config::describe(finding));
  }
  return context;
}

std::string system_down_text(const Error& error) {
  return fmt::format("Connect to the Postfix showq service: {}", error.text);
}

}  // namespace waypost::tools
