#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "admin/client.h"
#include "base/queue_id.h"
#include "base/text.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"
#include "tools/offline_queue.h"
#include "tools/queue_source.h"

namespace waypost::tools {
namespace {

struct Action {
  char option;
  const char* resource;  // of the control API
  const char* each;      // "ID: removed"
  const char* total;     // "Deleted: 1 message"
};
constexpr std::array kActions = {
    Action{'d', "remove", "removed", "Deleted"},
    Action{'h', "hold", "placed on hold", "Placed on hold"},
    Action{'H', "release", "released from hold", "Released from hold"},
    Action{'r', "requeue", "requeued", "Requeued"},
    Action{'e', "expire", "expired", "Force-expired"},
    Action{'f', "expire", "expired", "Force-expired"},
};

constexpr std::array<std::string_view, 5> kQueueNames = {"hold", "incoming", "active", "deferred", "maildrop"};

constexpr std::size_t kMaxInput = std::size_t{64} << 20;  // of ids on standard input

struct Job {
  const Action* action;
  std::vector<std::string> ids;
  bool all = false;
};

struct Options {
  std::string config_directory;
  std::vector<Job> jobs;
  std::set<std::string, std::less<>> queues;  // empty: all of them
};

// "-" takes the ids from standard input, one a line.
std::optional<std::string> add_job(Options& options, const Action& action, std::string_view value) {
  auto job = std::ranges::find(options.jobs, &action, &Job::action);
  if (job == options.jobs.end()) job = options.jobs.insert(job, Job{&action, {}, false});
  if (value == "ALL") {
    job->all = true;
    return std::nullopt;
  }
  std::string lines(value);
  if (value == "-") {
    auto input = read_stdin(kMaxInput);
    if (!input) return std::move(input.error().text);
    lines = std::move(*input);
  }
  for (const auto word : split(lines, " \t\r\n")) {
    if (!QueueId::parse(word)) {
      if (value != "-") return fmt::format("invalid directory name or queue ID: {}", printable(word, 80));
      continue;  // as postsuper does: lists made with grep carry odd words
    }
    job->ids.emplace_back(word);
  }
  return std::nullopt;
}

std::optional<std::string> parse(int argc, char** argv, Options& options) {
  optind = 1;
  for (int c = 0; (c = ::getopt(argc, argv, "c:d:e:f:h:H:pr:sSv")) != -1;) {
    if (c == 'c') {
      options.config_directory = optarg;
    } else if (const auto action = std::ranges::find(kActions, static_cast<char>(c), &Action::option);
               action != kActions.end()) {
      if (auto error = add_job(options, *action, optarg)) return error;
    } else if (c == '?') {
      return "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id (expire)] "
             "[-h queue_id (hold)] "
             "[-H queue_id (un-hold)] [-r queue_id (requeue)] [-p] [-s] [-S] [-v] [queue...]";
    }
    // -p, -s and -S mend a folder of queue files; the spool has none to mend.
  }
  for (; optind < argc; ++optind) {
    if (std::ranges::find(kQueueNames, std::string_view(argv[optind])) == kQueueNames.end()) {
      return fmt::format("bad queue name: {}", printable(argv[optind], 80));
    }
    options.queues.emplace(argv[optind]);
  }
  return std::nullopt;
}

// With queue names on the command line only what stands in those queues is meant.
Result<> narrow(const Console& console, const Context& context, Options& options) {
  if (options.queues.empty()) return {};
  auto listed = list_queue(console, context);
  if (!listed) return std::unexpected(listed.error());
  std::set<std::string, std::less<>> wanted;
  for (const auto& message : *listed) {
    if (options.queues.contains(message.queue_name)) wanted.insert(message.queue_id);
  }
  for (auto& job : options.jobs) {
    if (std::exchange(job.all, false)) job.ids.assign(wanted.begin(), wanted.end());
    std::erase_if(job.ids, [&](const std::string& id) { return !wanted.contains(id); });
  }
  return {};
}

// The ids that were changed.
Result<std::vector<std::string>> run(const Context& context, const Job& job) {
  const auto body = job.all ? std::string("ALL") : fmt::format("{}\n", fmt::join(job.ids, "\n"));
  const auto response =
      admin::call(context.paths.control_socket, "POST", fmt::format("/v1/queue/{}", job.action->resource), body);
  if (!response && response.error().code == Errc::refused)
    return act_offline(context, job.action->resource, job.all, job.ids);
  if (!response) return std::unexpected(response.error());
  if (response->status != 200) return fail(Errc::refused, std::string(trim(response->body)));
  std::vector<std::string> ids;
  for (const auto word : split(response->body, "\n")) ids.emplace_back(word);
  return ids;
}

}  // namespace

int postsuper_main(int argc, char** argv) {
  const Console console("postsuper");
  if (::geteuid() != 0) return console.fatal("use of this command is reserved for the superuser", kExitFailure);
  Options options;
  if (const auto error = parse(argc, argv, options)) return console.fatal(*error, kExitFailure);
  const auto context = open_context(options.config_directory);
  if (!context) return console.fatal(context.error().text, kExitFailure);
  if (auto narrowed = narrow(console, *context, options); !narrowed)
    return console.fatal(narrowed.error().text, kExitUnavailable);
  for (const auto& job : options.jobs) {
    const auto changed = run(*context, job);
    if (!changed) return console.fatal(changed.error().text, kExitFailure);
    if (!job.all) {
      for (const auto& id : *changed) console.info(fmt::format("{}: {}", id, job.action->each));
    }
    if (!changed->empty())
      console.info(
          fmt::format("{}: {} message{}", job.action->total, changed->size(), changed->size() == 1 ? "" : "s"));
  }
  return kExitOk;
}

}  // namespace waypost::tools
