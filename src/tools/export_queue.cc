#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "config/reader.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"
#include "tools/queue_export.h"
#include "tools/script_log.h"
#include "tools/stopped_queue.h"

// waypost export-queue: our queue becomes a Postfix's again.

namespace waypost::tools {
namespace {

struct Request {
  std::string config_directory;
  std::string to;
};

ExportSettings read_settings(const Context& context, const std::string& root) {
  config::Findings findings;
  const auto view = context.configuration->view();
  config::Reader reader(view, findings);
  ExportSettings out{.root = root};
  const auto warn_age = reader.duration("delay_warning_time");
  if (warn_age.count() > 0) out.warn_age = warn_age;
  out.hash_depth = static_cast<unsigned>(reader.number("hash_queue_depth", 0, kMaxHashDepth));
  out.hashed = reader.words("hash_queue_names");
  return out;
}

// Files that sendmail dropped and pickup has not seen: they are no queue yet.
std::size_t waiting_drops(const std::string& folder) {
  std::error_code failed;
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    if (!entry.path().filename().string().starts_with('.')) ++count;
  }
  return count;
}

Result<ExportCounts> give_back(const Context& context, const std::string& root) {
  auto stopped = StoppedQueue::open(context, root);
  if (!stopped) return std::unexpected(stopped.error());
  if (auto ready = daemon::check_no_import(context.paths); !ready) return std::unexpected(ready.error());
  if (auto marked = set_mark(context.paths, context.paths.export_mark); !marked) return std::unexpected(marked.error());
  std::vector<std::pair<WallTime, QueueId>> found;
  const auto scanned = stopped->spool->scan(
      [&](const spool::StoredMessage& message) { found.emplace_back(message.envelope.arrival, message.envelope.id); });
  if (!scanned) return std::unexpected(scanned.error());
  std::ranges::sort(found);
  std::vector<QueueId> ids;
  ids.reserve(found.size());
  for (const auto& [arrival, id] : found) ids.push_back(id);
  ScriptLog log(context, "postfix/export-queue");
  QueueExport queue_export(read_settings(context, root), *stopped->spool, log, SystemClock().wall());
  auto counts = queue_export.run(ids);
  stopped->spool->stop();
  if (!counts)
    return fail(counts.error().code,
                counts.error().text + "; run this again when that is mended, it goes on where it ended");
  ::unlink(context.paths.export_mark.c_str());
  return counts;
}

int run(const Request& request) {
  const Console console("export-queue");
  const auto context = open_context(request.config_directory);
  if (!context) return console.fatal(context.error().text, kExitFailure);
  for (const auto* folder : {"incoming", "deferred", "hold"}) {
    if (!std::filesystem::is_directory(request.to + "/" + folder)) {
      return console.fatal(
          fmt::format("{}: no queue directory of Postfix: there is no folder \"{}\" (postfix start makes it)",
                      request.to, folder),
          kExitFailure);
    }
  }
  const auto counts = give_back(*context, request.to);
  if (!counts) return console.fatal(counts.error().text, kExitFailure);
  write_stdout(fmt::format("given back: {} message{} ({} on hold){}\n", counts->messages,
                           counts->messages == 1 ? "" : "s", counts->held,
                           counts->skipped > 0 ? fmt::format("; {} skipped, left in the spool", counts->skipped) : ""));
  if (const auto drops = waiting_drops(context->paths.drop); drops > 0) {
    console.warning(fmt::format("{} messages that sendmail submitted wait in {}: start Waypost once and export again",
                                drops, context->paths.drop));
    return kExitFailure;
  }
  return counts->skipped == 0 ? kExitOk : kExitFailure;
}

}  // namespace

int export_queue_main(int argc, char** argv) {
  Request request;
  CLI::App app(
      "Gives the queue to a Postfix that does not run: every message leaves the spool and becomes a queue file,\n"
      "deferred or on hold. Prints the new names. Exit status 1: it failed, or mail is left.",
      "waypost export-queue");
  app.add_option("-c", request.config_directory, "configuration directory (default: $MAIL_CONFIG, /etc/postfix)");
  app.add_option("DIRECTORY", request.to, "Postfix's queue directory")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return run(request);
}

}  // namespace waypost::tools
