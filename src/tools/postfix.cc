#include <getopt.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "admin/client.h"
#include "base/text.h"
#include "config/load.h"
#include "daemon/pid_file.h"
#include "tools/check.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"
#include "tools/script_log.h"

namespace waypost::tools {
namespace {

constexpr std::chrono::seconds kStopWait{30};

// What every subcommand works with.
struct Script {
  const Context& context;
  ScriptLog log;
};

std::optional<pid_t> running(const Script& script) {
  const auto holder = daemon::PidFile::holder(script.context.paths.pid_file);
  return holder ? *holder : std::nullopt;
}

// Becomes the daemon. Its name in the process list is postfix/master.
[[noreturn]] void execute_master(const Context& context, bool foreground, int ready_fd) {
  std::string name = "postfix/master", directory = context.config_directory, ready = fmt::format("{}", ready_fd);
  std::array<char*, 8> arguments{name.data(), const_cast<char*>("-c"), directory.data(), nullptr};
  std::size_t n = 3;
  if (foreground) arguments[n++] = const_cast<char*>("-d");
  if (ready_fd >= 0) {
    arguments[n++] = const_cast<char*>("-r");
    arguments[n++] = ready.data();
  }
  arguments[n] = nullptr;
  ::execv("/proc/self/exe", arguments.data());
  ::_exit(kExitFailure);
}

int start_foreground(Script& script) {
  if (const auto pid = running(script))
    return script.log.fatal(fmt::format("the Postfix mail system is already running: PID: {}", *pid));
  script.log.info("starting the Postfix mail system");
  execute_master(script.context, true, -1);
}

int start(Script& script) {
  if (running(script)) return script.log.fatal("the Postfix mail system is already running");
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) return script.log.fatal(fmt::format("pipe: {}", errno_text(errno)));
  script.log.info("starting the Postfix mail system");
  const pid_t child = ::fork();
  if (child < 0) return script.log.fatal(fmt::format("fork: {}", errno_text(errno)));
  if (child == 0) {
    ::close(pipe[0]);
    ::setsid();
    execute_master(script.context, false, pipe[1]);
  }
  ::close(pipe[1]);
  std::array<char, 16> word{};
  ssize_t got = 0;
  do {
    got = ::read(pipe[0], word.data(), word.size());
  } while (got < 0 && errno == EINTR);
  ::close(pipe[0]);
  if (got > 0) return kExitOk;
  int status = 0;
  ::waitpid(child, &status, 0);
  return script.log.fatal("mail system startup failed");
}

// Waits until nobody holds the pid file any more.
bool wait_for_end(const Script& script) {
  const auto deadline = std::chrono::steady_clock::now() + kStopWait;
  while (running(script)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

int stop(Script& script) {
  const auto pid = running(script);
  if (!pid) return script.log.fatal("the Postfix mail system is not running");
  script.log.info("stopping the Postfix mail system");
  if (::kill(*pid, SIGTERM) != 0)
    return script.log.fatal(fmt::format("cannot signal process {}: {}", *pid, errno_text(errno)));
  if (wait_for_end(script)) return kExitOk;
  return script.log.fatal(fmt::format("process {} did not stop within {} s", *pid, kStopWait.count()));
}

int abort_now(Script& script) {
  const auto pid = running(script);
  if (!pid) return script.log.fatal("the Postfix mail system is not running");
  script.log.info("aborting the Postfix mail system");
  ::kill(*pid, SIGKILL);
  wait_for_end(script);
  return kExitOk;
}

int reload(Script& script) {
  if (!running(script)) return script.log.fatal("the Postfix mail system is not running");
  script.log.info("refreshing the Postfix mail system");
  const auto response = admin::call(script.context.paths.control_socket, "POST", "/v1/reload");
  if (!response) return script.log.fatal(fmt::format("cannot reach the mail system: {}", response.error().text));
  if (response->status == 200) return kExitOk;
  for (const auto line : split(response->body, "\n")) script.log.error(line);
  return script.log.fatal("the new configuration is refused; the old one stays in use");
}

int flush(Script& script) {
  const auto response = admin::call(script.context.paths.control_socket, "POST", "/v1/queue/flush");
  if (!response || response->status >= 300) return script.log.fatal("Cannot flush mail queue - mail system is down");
  return kExitOk;
}

int status(Script& script) {
  if (const auto pid = running(script)) {
    script.log.info(fmt::format("the Postfix mail system is running: PID: {}", *pid));
    return kExitOk;
  }
  script.log.info("the Postfix mail system is not running");
  return kExitFailure;
}

struct Command {
  std::string_view name;
  int (*run)(Script&);
};
constexpr std::array kCommands = {
    Command{"start", start},     Command{"start-fg", start_foreground},
    Command{"stop", stop},       Command{"reload", reload},
    Command{"flush", flush},     Command{"status", status},
    Command{"abort", abort_now}, Command{"quick-stop", stop},
};

// It works also on files that no other command could read.
int check(std::string& directory, int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string option = "-c";
  if (!directory.empty()) arguments.insert(arguments.begin() + 1, {option.data(), directory.data()});
  return check_main(static_cast<int>(arguments.size()), arguments.data());
}

int usage(const Console& console) {
  return console.fatal("usage: postfix [-c config_dir] [-Dv] command", kExitFailure);
}

}  // namespace

int postfix_main(int argc, char** argv) {
  const Console console("postfix");
  std::string directory;
  optind = 1;
  for (int c = 0; (c = ::getopt(argc, argv, "+c:Dv")) != -1;) {
    if (c == 'c') directory = optarg;
    if (c == '?') return usage(console);
  }
  if (optind == argc) return usage(console);
  const std::string_view wanted = argv[optind];
  if (wanted == "check") return check(directory, argc - optind, argv + optind);
  if (optind + 1 != argc) return usage(console);
  for (const auto& command : kCommands) {
    if (command.name != wanted) continue;
    const auto context = open_context(directory);
    if (!context) return console.fatal(context.error().text, kExitFailure);
    Script script{*context, ScriptLog(*context)};
    return command.run(script);
  }
  return console.fatal(fmt::format("unknown command: '{}'. Known: start start-fg stop reload flush status check abort",
                                   printable(wanted, 40)),
                       kExitFailure);
}

}  // namespace waypost::tools
