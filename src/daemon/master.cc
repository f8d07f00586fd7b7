#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "config/load.h"
#include "config/reader.h"
#include "daemon/directories.h"
#include "daemon/log_target.h"
#include "daemon/pid_file.h"
#include "daemon/preflight.h"
#include "daemon/privileges.h"
#include "daemon/relay.h"
#include "daemon/snapshot.h"
#include "daemon/start.h"
#include "daemon/version.h"
#include "events/log_writer.h"

namespace waypost::daemon {
namespace {

constexpr std::chrono::seconds kStopLimit{10};

int die(std::string_view text) {
  std::fprintf(stderr, "postfix/master: fatal: %.*s\n", static_cast<int>(text.size()), text.data());
  return 1;
}

// As many connections as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// The signals that the main thread waits for; every other thread inherits them blocked.
sigset_t block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return set;
}

void detach_terminal() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  ::close(null);
}

// One run of the daemon, from files to the last signal.
class Master {
 public:
  explicit Master(const StartOptions& options) : options_(options) {}

  int run() {
    const auto signals = block_signals();
    raise_descriptor_limit();
    if (auto prepared = prepare(); !prepared) return die(prepared.error().text);
    auto findings = std::move(load_findings_);
    auto snapshot = examine(configuration_, log(), clock_, nullptr, Purpose::start, findings);
    if (!report(findings)) return die("the configuration has errors; see above, or run: postfix check");
    auto relay =
        Relay::start({options_.config_directory, *writer_, clock_, [this] { writer_->reopen(); }}, std::move(snapshot));
    if (!relay) {
      log().fatal("{}", relay.error().text);
      return die(relay.error().text);
    }
    log().info("daemon started -- version {}, configuration {}", kVersion, options_.config_directory);
    say_ready();
    wait(signals, **relay);
    (*relay)->stop(kStopLimit);
    return 0;
  }

 private:
  Log log() { return Log(*writer_, tag_, static_cast<std::uint32_t>(::getpid())); }

  // Files, folders, log, pid file: what may need root; then the user that mail runs as.
  Result<> prepare() {
    auto loaded = config::load(options_.config_directory, load_findings_);
    if (!loaded) return std::unexpected(all_errors(loaded.error()));
    configuration_ = std::move(*loaded);
    const auto view = configuration_->view();
    config::Findings repeated;  // the snapshot reads these again
    config::Reader reader(view, repeated);
    const auto paths = read_paths(reader);
    tag_ = log_name(view) + "/master";
    auto owner = mail_owner_ids(reader.text("mail_owner"));
    if (!owner)
      return fail(owner.error().code,
                  owner.error().text + " (make it with: useradd --system --no-create-home, or set mail_owner)");
    if (auto made = make_directories(paths, *owner); !made) return made;
    if (auto ready = check_no_import(paths); !ready) return ready;
    if (auto ready = check_no_export(paths); !ready) return ready;
    auto held = PidFile::acquire(paths.pid_file);
    if (!held) return std::unexpected(held.error());
    pid_file_.emplace(std::move(*held));
    if (auto opened = open_log(); !opened) return opened;
    if (*owner) return become(**owner);
    return {};
  }

  // Every line that does not parse, not only the first.
  Error all_errors(const Error& first) const {
    std::string text;
    for (const auto& finding : load_findings_) {
      if (finding.severity == config::Severity::error) text += (text.empty() ? "" : "; ") + config::describe(finding);
    }
    return {first.code, text.empty() ? first.text : text};
  }

  Result<> open_log() {
    auto writer = open_mail_log(*configuration_, options_.foreground);
    if (!writer) return std::unexpected(writer.error());
    writer_ = std::move(*writer);
    return {};
  }

  // To the log, and in the foreground or before the start is over to the terminal. False when there are errors.
  bool report(const config::Findings& findings) {
    for (const auto& finding : findings) {
      const auto text = config::describe(finding);
      const auto level = finding.severity == config::Severity::error     ? LogLevel::error
                         : finding.severity == config::Severity::warning ? LogLevel::warning
                                                                         : LogLevel::info;
      log().write(level, text);
      if (finding.severity != config::Severity::info) {
        const auto prefix = log_prefix(level);
        std::fprintf(stderr, "postfix/master: %.*s%s\n", static_cast<int>(prefix.size()), prefix.data(), text.c_str());
      }
    }
    return !config::has_errors(findings);
  }

  void say_ready() const {
    if (options_.ready_fd >= 0) {
      [[maybe_unused]] const auto written = ::write(options_.ready_fd, "ok\n", 3);
      ::close(options_.ready_fd);
    }
    if (!options_.foreground) detach_terminal();
  }

  void wait(const sigset_t& signals, Relay& relay) {
    while (true) {
      int signal = 0;
      if (::sigwait(&signals, &signal) != 0) continue;
      if (signal == SIGHUP) {
        relay.reload();
      } else if (signal == SIGUSR1) {
        writer_->reopen();
      } else {
        log().info("terminating on signal {}", signal);
        return;
      }
    }
  }

  const StartOptions& options_;
  SystemClock clock_;
  std::string tag_ = "postfix/master";
  std::shared_ptr<const config::Configuration> configuration_;
  config::Findings load_findings_;
  std::optional<PidFile> pid_file_;
  std::unique_ptr<events::LogWriter> writer_;
};

}  // namespace

int run_master(const StartOptions& options) {
  ::umask(022);
  return Master(options).run();
}

}  // namespace waypost::daemon
