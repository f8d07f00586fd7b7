#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "admin/client.h"
#include "base/queue_id.h"
#include "base/text.h"
#include "postfix_queue/queue_name.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"
#include "tools/offline_queue.h"
#include "tools/queue_source.h"

namespace waypost::tools {
namespace {

constexpr std::size_t kMaxInput = std::size_t{64} << 20;  // of ids on standard input

struct Action {
  char option;
  const char* resource;  // of the control API
  const char* each;      // "ID: removed"
  const char* total;     // "Deleted: 1 message"
};
// In the order in which Postfix tells what it did.
constexpr std::array kActions = {
    Action{'r', "requeue", "requeued", "Requeued"},
    Action{'d', "remove", "removed", "Deleted"},
    Action{'e', "expire", "expired", "Force-expired"},
    Action{'h', "hold", "placed on hold", "Placed on hold"},
    Action{'H', "release", "released from hold", "Released from hold"},
};
// -f is two of them: what is to expire must not be kept on hold.
constexpr std::array kForceExpire = {'e', 'H'};

constexpr std::array<std::string_view, 5> kQueueNames = {"hold", "incoming", "active", "deferred", "maildrop"};

struct Job {
  bool wanted = false;
  bool all = false;       // ALL: no line for each of them
  bool narrowed = false;  // to `ids`, by the names of queues
  std::set<std::string, std::less<>> ids;
};

struct Options {
  std::string config_directory;
  std::array<Job, kActions.size()> jobs;      // as kActions
  std::set<std::string, std::less<>> queues;  // empty: all of them
};

// Empty ones, too.
std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// What an option's value names. "-" takes the ids from standard input, one a line: all of them or none.
Result<Job> read_job(const Console& console, const std::string& value) {
  Job job{.wanted = true, .all = value == "ALL"};
  if (job.all) return job;
  std::string input = value;
  if (value == "-") {
    auto read = read_stdin(kMaxInput);
    if (!read) return std::unexpected(std::move(read.error()));
    input = std::move(*read);
  }
  for (const auto line : value == "-" ? split_lines(input) : std::vector<std::string_view>{input}) {
    if (postfix_queue::is_queue_name(line)) {
      job.ids.emplace(line);
    } else {
      console.warning(fmt::format("invalid mail queue id: {}", printable(line, 100)));
    }
  }
  return job;
}

// Adds to the job of every one of these actions.
Result<> add_job(const Console& console, Options& options, std::span<const char> actions, const std::string& value) {
  auto job = read_job(console, value);
  if (!job) return std::unexpected(std::move(job.error()));
  for (const char option : actions) {
    const auto* const action = std::ranges::find(kActions, option, &Action::option);
    auto& sum = options.jobs[static_cast<std::size_t>(action - kActions.begin())];
    sum.wanted = true;
    sum.all = sum.all || job->all;
    sum.ids.insert(job->ids.begin(), job->ids.end());
  }
  return {};
}

constexpr std::string_view kUsage =
    "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id (expire "
    "and/or un-hold)] [-h queue_id (hold)] [-H queue_id (un-hold)] [-p (purge temporary files)] [-r queue_id "
    "(requeue)] [-s (structure fix)] [-S (redundant structure fix)][-v (verbose)] [queue...]";

Result<> take_option(const Console& console, Options& options, char option, const char* value) {
  if (option == '?') return fail(Errc::invalid, std::string(kUsage));
  if (option == 'c') options.config_directory = value;
  if (option == 'f') return add_job(console, options, kForceExpire, value);
  if (std::string_view("dehHr").contains(option)) return add_job(console, options, std::span(&option, 1), value);
  // -p, -s and -S mend a folder of queue files; the spool has none to mend.
  return {};
}

Result<> parse(const Console& console, int argc, char** argv, Options& options) {
  optind = 1;
  for (int c = 0; (c = ::getopt(argc, argv, "c:d:e:f:h:H:pr:sSv")) != -1;) {
    if (auto taken = take_option(console, options, static_cast<char>(c), optarg); !taken) return taken;
  }
  for (; optind < argc; ++optind) {
    if (std::ranges::find(kQueueNames, std::string_view(argv[optind])) == kQueueNames.end()) {
      return fail(Errc::invalid, fmt::format("invalid directory name: {}", printable(argv[optind], 80)));
    }
    options.queues.emplace(argv[optind]);
  }
  return {};
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
    if (job.all) job.ids = wanted;
    job.narrowed = true;
    std::erase_if(job.ids, [&](const std::string& id) { return !wanted.contains(id); });
  }
  return {};
}

// The ids that were changed.
Result<std::vector<std::string>> run(const Context& context, const Action& action, const Job& job) {
  const bool everything = job.all && !job.narrowed;
  std::vector<std::string> ids;
  std::ranges::copy_if(job.ids, std::back_inserter(ids), [](const auto& id) { return QueueId::parse(id).has_value(); });
  if (!everything && ids.empty()) return ids;
  const auto body = everything ? std::string("ALL") : fmt::format("{}\n", fmt::join(ids, "\n"));
  const auto response =
      admin::call(context.paths.control_socket, "POST", fmt::format("/v1/queue/{}", action.resource), body);
  if (!response && response.error().code == Errc::refused)
    return act_offline(context, action.resource, everything, ids);
  if (!response) return std::unexpected(response.error());
  if (response->status != 200) return fail(Errc::refused, std::string(trim(response->body)));
  std::vector<std::string> changed;
  for (const auto word : split(response->body, "\n")) changed.emplace_back(word);
  return changed;
}

// Every job; the last lines say how many of each.
Result<> run_all(const Console& console, const Context& context, const Options& options) {
  std::vector<std::string> totals;
  for (std::size_t i = 0; i < kActions.size(); ++i) {
    const auto& [action, job] = std::tie(kActions[i], options.jobs[i]);
    if (!job.wanted) continue;
    const auto changed = run(context, action, job);
    if (!changed) return std::unexpected(changed.error());
    if (!job.all) {
      for (const auto& id : *changed) console.info(fmt::format("{}: {}", id, action.each));
    }
    totals.push_back(fmt::format("{}: {} message{}", action.total, changed->size(), changed->size() == 1 ? "" : "s"));
  }
  for (const auto& total : totals) console.info(total);
  return {};
}

}  // namespace

int postsuper_main(int argc, char** argv) {
  const Console console("postsuper");
  if (::geteuid() != 0) return console.fatal("use of this command is reserved for the superuser", kExitFailure);
  Options options;
  if (auto parsed = parse(console, argc, argv, options); !parsed)
    return console.fatal(parsed.error().text, kExitFailure);
  const auto context = open_context(options.config_directory);
  if (!context) return console.fatal(context.error().text, kExitFailure);
  if (auto narrowed = narrow(console, *context, options); !narrowed)
    return console.fatal(narrowed.error().text, kExitUnavailable);
  if (auto done = run_all(console, *context, options); !done) return console.fatal(done.error().text, kExitFailure);
  return kExitOk;
}

}  // namespace waypost::tools
