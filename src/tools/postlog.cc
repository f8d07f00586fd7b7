#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "daemon/log_target.h"
#include "events/log_writer.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"

namespace waypost::tools {
namespace {

struct Options {
  std::string config_directory, tag;
  LogLevel level = LogLevel::info;
  bool with_pid = false;  // -i: asked for on a terminal; the log has it in any case
  std::vector<std::string> words;
};

struct Priority {
  std::string_view name;
  LogLevel level;
};

constexpr std::array kPriorities = {Priority{"info", LogLevel::info},       Priority{"warn", LogLevel::warning},
                                    Priority{"warning", LogLevel::warning}, Priority{"error", LogLevel::error},
                                    Priority{"fatal", LogLevel::fatal},     Priority{"panic", LogLevel::panic}};

Result<> set_priority(Options& options, std::string_view name) {
  const auto* const found = std::ranges::find(kPriorities, name, &Priority::name);
  if (found == kPriorities.end()) {
    return fail(Errc::invalid, fmt::format("unknown logging priority: {}", printable(name, 100)));
  }
  options.level = found->level;
  return {};
}

Result<Options> parse(int argc, char** argv) {
  Options options;
  optind = 1;
  for (int c = 0; (c = ::getopt(argc, argv, "c:ip:t:v")) != -1;) {
    switch (c) {
      case 'c':
        options.config_directory = optarg;
        break;
      case 'i':
        options.with_pid = true;
        break;
      case 'p':
        if (auto known = set_priority(options, optarg); !known) return std::unexpected(known.error());
        break;
      case 't':
        options.tag = optarg;
        break;
      case 'v':
        break;
      default:
        return fail(Errc::invalid, "usage: postlog [-iv] [-c config_directory] [-p priority] [-t tag] [text...]");
    }
  }
  options.words.assign(argv + optind, argv + argc);
  return options;
}

// One record for each line of text, in the mail log and on a terminal.
class Recorder {
 public:
  Recorder(LogSink& sink, const Options& options, std::string tag)
      : sink_(sink), level_(options.level), tag_(std::move(tag)), pid_(static_cast<std::uint32_t>(::getpid())) {
    if (::isatty(STDERR_FILENO) != 0) name_ = options.with_pid ? fmt::format("{}[{}]", tag_, pid_) : tag_;
  }

  void record(std::string_view text) {
    sink_.write(level_, tag_, pid_, text);
    if (!name_.empty()) Console(name_).info(fmt::format("{}{}", log_prefix(level_), text));
  }

 private:
  LogSink& sink_;
  LogLevel level_;
  std::string tag_, name_;  // name_: empty when nobody reads stderr
  std::uint32_t pid_;
};

// Line by line, so that what a long-running program says is logged when it says it. A line longer than a record is
// split.
void record_stdin(Recorder& recorder) {
  std::array<char, events::kMaxLogLine> buffer{};
  while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), stdin) != nullptr) {
    std::string_view line(buffer.data());
    if (line.ends_with('\n')) line.remove_suffix(1);
    recorder.record(line);
  }
}

}  // namespace

int postlog_main(int argc, char** argv) {
  const Console console("postlog");
  const auto options = parse(argc, argv);
  if (!options) return console.fatal(options.error().text, kExitFailure);
  const auto context = open_context(options->config_directory);
  if (!context) return console.fatal(context.error().text, kExitFailure);
  auto log = daemon::open_mail_log(*context->configuration, false);
  if (!log) return console.fatal(log.error().text, kExitFailure);
  const std::string own_tag = daemon::log_name(context->configuration->view()) + "/postlog";
  Recorder recorder(**log, *options, options->tag.empty() ? own_tag : options->tag);
  if (options->words.empty()) {
    record_stdin(recorder);
  } else {
    recorder.record(fmt::format("{}", fmt::join(options->words, " ")));
  }
  if (!(*log)->flush()) return console.fatal("the mail log cannot be written", kExitFailure);
  return kExitOk;
}

}  // namespace waypost::tools
