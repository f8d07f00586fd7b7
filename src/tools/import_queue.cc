#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"
#include "tools/postfix_folders.h"
#include "tools/queue_import.h"
#include "tools/script_log.h"
#include "tools/stopped_queue.h"

// waypost import-queue: the queue of a Postfix becomes ours.

namespace waypost::tools {
namespace {

struct Request {
  std::string config_directory;
  std::string from;
  bool dry_run = false;
};

std::string summary(const ImportCounts& counts, bool dry_run) {
  auto text =
      fmt::format("{}: {} message{} ({} bytes, {} recipients, {} on hold)", dry_run ? "to be taken over" : "taken over",
                  counts.messages, counts.messages == 1 ? "" : "s", counts.bytes, counts.recipients, counts.held);
  const auto add = [&text](std::uint64_t count, std::string_view what) {
    if (count > 0) text += fmt::format("; {} {}", count, what);
  };
  add(counts.dropped, "submitted by sendmail, left for pickup");
  add(counts.repeated, "of them in the spool already");
  add(counts.finished, "with nobody left to deliver to");
  add(counts.unfinished, "never accepted, left in place");
  add(counts.skipped, "skipped, left in place");
  return text + "\n";
}

int look(const Console& console, const PostfixFolders& folders) {
  QueueImport import({folders, nullptr, "", console, nullptr}, {});
  const auto counts = import.run();
  if (!counts) return console.fatal(counts.error().text, kExitFailure);
  write_stdout(summary(*counts, true));
  return counts->skipped == 0 ? kExitOk : kExitFailure;
}

Result<ImportCounts> take_over(const Console& console, const Context& context, const PostfixFolders& folders) {
  auto stopped = StoppedQueue::open(context, folders.root());
  if (!stopped) return std::unexpected(stopped.error());
  if (auto ready = daemon::check_no_export(context.paths); !ready) return std::unexpected(ready.error());
  std::map<QueueId, QueueImport::Stored> stored;
  const auto scanned = stopped->spool->scan([&](const spool::StoredMessage& message) {
    const auto& progress = message.progress;
    const bool untouched = progress.attempts == 0 && !progress.held && progress.recipients.empty();
    stored.emplace(message.envelope.id, QueueImport::Stored{message.envelope.arrival, untouched});
  });
  if (!scanned) return std::unexpected(scanned.error());
  if (auto marked = set_mark(context.paths, context.paths.import_mark); !marked) return std::unexpected(marked.error());
  ScriptLog log(context, "postfix/import-queue");
  QueueImport import({folders, stopped->spool.get(), context.paths.drop, console, &log}, std::move(stored));
  auto counts = import.run();
  stopped->spool->stop();
  if (!counts) {
    return fail(counts.error().code,
                counts.error().text + "; run this again when that is mended, it goes on where it ended");
  }
  ::unlink(context.paths.import_mark.c_str());
  const auto text = summary(*counts, false);
  log.note(std::string_view(text).substr(0, text.size() - 1));
  return counts;
}

int run(const Request& request) {
  const Console console("import-queue");
  const auto context = open_context(request.config_directory);
  if (!context) return console.fatal(context.error().text, kExitFailure);
  const PostfixFolders folders(request.from.empty() ? context->paths.queue_directory : request.from);
  if (!folders.owner()) {
    return console.fatal(
        fmt::format("{}: no queue directory of Postfix: there is no folder \"incoming\"", folders.root()),
        kExitFailure);
  }
  if (request.dry_run) return look(console, folders);
  const auto counts = take_over(console, *context, folders);
  if (!counts) return console.fatal(counts.error().text, kExitFailure);
  write_stdout(summary(*counts, false));
  return counts->skipped == 0 ? kExitOk : kExitFailure;
}

}  // namespace

int import_queue_main(int argc, char** argv) {
  Request request;
  CLI::App app(
      "Takes over the queue of a Postfix that does not run. Nothing is deleted: files that were taken over go to\n"
      "waypost/imported below the same directory. Exit status 1: something was skipped, or it failed.",
      "waypost import-queue");
  app.add_option("-c", request.config_directory, "configuration directory (default: $MAIL_CONFIG, /etc/postfix)");
  app.add_option("--from", request.from, "Postfix's queue directory (default: $queue_directory)");
  app.add_flag("--dry-run", request.dry_run, "only read and say what would be done; Postfix may run");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return run(request);
}

}  // namespace waypost::tools
