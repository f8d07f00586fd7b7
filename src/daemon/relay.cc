#include "daemon/relay.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "admin/api.h"
#include "base/assert.h"
#include "config/reader.h"
#include "daemon/log_target.h"
#include "daemon/preflight.h"
#include "daemon/version.h"
#include "events/events.h"
#include "tables/remote_table.h"

namespace waypost::daemon {
namespace {

constexpr std::size_t kBlockingThreads = 8, kBlockingQueue = 10'000;

std::size_t io_thread_count(config::Reader& reader) {
  constexpr std::int64_t kMaxThreads = 256;
  const auto wanted = static_cast<std::size_t>(reader.number("waypost_io_threads", 0, kMaxThreads));
  return wanted > 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
}

net::Task<void> serve_control(admin::Commands& commands, net::Stream stream) {
  return admin::serve(commands, std::move(stream));
}

}  // namespace

Relay::Relay(Environment environment, std::shared_ptr<const Snapshot> snapshot)
    : environment_(std::move(environment)), snapshot_(std::move(snapshot)), master_log_(log("master")) {}

Log Relay::log(std::string_view service) const {
  const auto view = snapshot_->configuration->internal_view(service);
  return Log(environment_.log, fmt::format("{}/{}", log_name(view), service), static_cast<std::uint32_t>(::getpid()));
}

Result<std::unique_ptr<Relay>> Relay::start(Environment environment, std::shared_ptr<const Snapshot> snapshot) {
  std::unique_ptr<Relay> relay(new Relay(std::move(environment), std::move(snapshot)));
  if (auto opened = relay->open(); !opened) return std::unexpected(opened.error());
  return relay;
}

// The name service that says who clients are: the system's own, unless the operator names a server for the relay.
dns::Resolver& Relay::peer_names() {
  if (snapshot_->resolver.servers.empty()) return *native_;
  return *resolver_;
}

Result<> Relay::open() {
  config::Findings ignored;  // the values were checked when the snapshot was built
  const auto view = snapshot_->configuration->view();
  config::Reader reader(view, ignored);
  spool::SpoolSettings spool_settings;
  spool_settings.segment_size_bytes = static_cast<std::uint64_t>(reader.number("waypost_spool_segment_size"));
  auto spool = spool::open_spool(snapshot_->paths.segments, spool_settings, files_, log("qmgr"));
  if (!spool) return std::unexpected(spool.error());
  spool_ = std::move(*spool);

  threads_ = std::make_unique<net::IoThreads>(io_thread_count(reader));
  groups_ = std::make_unique<Groups>(*threads_);
  blocking_ = std::make_unique<net::BlockingPool>(kBlockingThreads, kBlockingQueue);
  resolver_ = std::make_unique<dns::UnboundResolver>(snapshot_->resolver);
  native_ = std::make_unique<dns::NativeResolver>(*blocking_);
  client_names_ = std::make_unique<ClientNameCache>(peer_names(), environment_.clock);
  bodies_ = std::make_unique<Bodies>(*spool_);
  if (auto scanned = scan(); !scanned) return scanned;
  make_services();
  threads_->start();
  queue_->start();
  if (auto listening = apply_listeners(*snapshot_); !listening) {
    stop(std::chrono::seconds(0));
    return listening;
  }
  if (auto watching = pickup_->start(); !watching) {
    stop(std::chrono::seconds(0));
    return watching;
  }
  return {};
}

// Everything that is stored becomes an entry of the schedule; the queue's thread is not running yet.
Result<> Relay::scan() {
  transports_ = std::make_unique<TransportSet>(
      smtp_client::AgentEnvironment{.threads = *threads_,
                                    .names = {.dns = resolver_.get(), .native = native_.get()},
                                    .blocking = *blocking_,
                                    .clock = environment_.clock,
                                    .log = log("smtp"),
                                    .next_pid = [next = std::make_shared<std::atomic<std::uint32_t>>(
                                                     100'000)] { return 100'000 + next->fetch_add(1) % 4'000'000; }},
      environment_.log);
  dispatcher_ = std::make_unique<Dispatcher>(
      Dispatcher::Parts{.spool = *spool_,
                        .bodies = *bodies_,
                        .threads = *threads_,
                        .group = [this](std::size_t index) -> net::TaskGroup& { return (*groups_)[index]; },
                        .log = log("qmgr"),
                        .notify = [this](queue::NoticeRequest request) { notifier_->notify(std::move(request)); }},
      snapshot_->router, transports_->apply(*snapshot_));
  queue_ = std::make_unique<queue::QueueThread>(snapshot_->queue, *dispatcher_,
                                                queue::Scheduler::Logs{log("qmgr"), log("error")}, environment_.clock);
  const auto report = spool_->scan([this](const spool::StoredMessage& stored) {
    const auto& progress = stored.progress;
    queue_->add_stored({.id = stored.envelope.id,
                        .size = stored.size,
                        .arrival = stored.envelope.arrival,
                        .next_attempt = progress.next_attempt,
                        .attempts = progress.attempts,
                        .held = progress.held,
                        .delay_notified = progress.delay_notified,
                        .force_expire = progress.force_expire});
  });
  if (!report) return std::unexpected(report.error());
  for (const auto& note : report->notes) master_log_.warning("spool: {}", note);
  if (report->messages > 0) master_log_.info("spool: {} messages, {} bytes", report->messages, report->bytes);
  // The first number looks like an inode's, so that ids have the length that log readers expect.
  constexpr std::uint64_t kFirstNumber = 0x10000;
  ids_ = std::make_unique<QueueIdSource>(std::max(report->next_number, kFirstNumber), report->newest_long);
  ids_->use_long(snapshot_->long_queue_ids);
  events::log_internal_addresses(snapshot_->internal_addresses);
  return {};
}

void Relay::make_services() {
  const auto group = [this](std::size_t index) -> net::TaskGroup& { return (*groups_)[index]; };
  intake_ = std::make_unique<intake::Intake>(
      intake::Ports{.spool = *spool_,
                    .clock = environment_.clock,
                    .log = log("cleanup"),
                    .ids = *ids_,
                    .accepted = [this](intake::Accepted message) { dispatcher_->accepted(std::move(message)); }},
      snapshot_->intake);
  notifier_ = std::make_unique<Notifier>(Notifier::Parts{.intake = *intake_,
                                                         .threads = *threads_,
                                                         .group = group,
                                                         .pool = *blocking_,
                                                         .clock = environment_.clock,
                                                         .log = log("bounce")},
                                         snapshot_->report);
  dispatcher_->connect(*queue_);
  notifier_->connect(*queue_);
  postmaster_ = std::make_unique<PostmasterMail>(PostmasterMail::Parts{
      .intake = *intake_, .threads = *threads_, .group = group, .clock = environment_.clock, .log = log("smtpd")});
  smtpd_ = std::make_unique<SmtpdServices>(SmtpdServices::Parts{.log = environment_.log,
                                                                .clock = environment_.clock,
                                                                .intake = *intake_,
                                                                .names = *client_names_,
                                                                .notices = *postmaster_,
                                                                .threads = *threads_,
                                                                .blocking = *blocking_});
  control_ = std::make_unique<Control>(Control::Parts{.queue = *queue_,
                                                      .spool = *spool_,
                                                      .pool = *blocking_,
                                                      .log = log("postsuper"),
                                                      .reload = [this] { return reload(); },
                                                      .stop = [] { ::kill(::getpid(), SIGTERM); },
                                                      .config_directory = environment_.config_directory});
  control_->set_users(snapshot_->users);
  listeners_ = std::make_unique<Listeners>(*threads_, *groups_, master_log_);
  pickup_ = std::make_unique<Pickup>(Pickup::Parts{.folder = snapshot_->paths.drop,
                                                   .aside = snapshot_->paths.aside,
                                                   .intake = *intake_,
                                                   .threads = *threads_,
                                                   .group = group,
                                                   .clock = environment_.clock,
                                                   .log = log("pickup")});
  pickup_->set_users(snapshot_->users);
}

Result<> Relay::apply_listeners(const Snapshot& snapshot) {
  std::vector<Listeners::Wanted> wanted;
  for (const auto& plan : snapshot.smtpd) {
    const auto handler = smtpd_->handler(plan);
    for (const auto& endpoint : plan.endpoints) wanted.push_back({endpoint, handler});
  }
  const auto control =
      std::make_shared<const Listeners::Handler>([commands = control_.get()](net::Stream stream, net::TaskGroup&) {
        return serve_control(*commands, std::move(stream));
      });
  wanted.push_back({net::Endpoint::unix_path(snapshot.paths.control_socket), control});
  return listeners_->set(std::move(wanted));
}

Result<> Relay::apply(std::shared_ptr<const Snapshot> snapshot) {
  // The one step that can fail comes first; the others only swap pointers.
  if (auto listening = apply_listeners(*snapshot); !listening) return listening;
  ids_->use_long(snapshot->long_queue_ids);
  events::log_internal_addresses(snapshot->internal_addresses);
  control_->set_users(snapshot->users);
  pickup_->set_users(snapshot->users);
  intake_->set_settings(snapshot->intake);
  notifier_->set_settings(snapshot->report);
  dispatcher_->set_router(snapshot->router);
  dispatcher_->set_transports(transports_->apply(*snapshot));
  queue_->reconfigure(snapshot->queue);
  snapshot_ = std::move(snapshot);
  return {};
}

admin::ReloadOutcome Relay::reload() {
  const std::lock_guard lock(reload_mutex_);
  if (stopped_) return {false, {"the mail system is stopping"}};
  config::Findings findings;
  admin::ReloadOutcome outcome;
  const auto refuse = [&](std::string line) {
    outcome.lines.push_back(line);
    master_log_.error("reload refused: {}", line);
    return outcome;
  };
  const auto loaded = config::load(environment_.config_directory, findings);
  std::shared_ptr<const Snapshot> next;
  if (loaded) {
    next = examine(*loaded, log("master"), environment_.clock, snapshot_.get(), Purpose::reload, findings);
  }
  for (const auto& finding : findings) {
    if (finding.severity == config::Severity::error) refuse(config::describe(finding));
    if (finding.severity == config::Severity::warning) master_log_.warning("{}", config::describe(finding));
  }
  if (!outcome.lines.empty()) return outcome;
  if (!loaded) return refuse(loaded.error().text);
  const auto before = snapshot_;
  if (auto applied = apply(next); !applied) return refuse(applied.error().text);
  environment_.reopen_log();
  outcome.lines =
      reload_changes({*before->configuration, before->table_stamps}, {*next->configuration, next->table_stamps});
  for (const auto& line : outcome.lines) master_log_.info("reload: {}", line);
  master_log_.info("reload -- version {}, configuration {}", kVersion, environment_.config_directory);
  outcome.accepted = true;
  return outcome;
}

void Relay::stop(std::chrono::seconds limit) {
  const MonoTime deadline = environment_.clock.mono() + limit;
  {
    const std::lock_guard lock(reload_mutex_);  // a reload under way finishes; none comes after
    if (std::exchange(stopped_, true)) return;
  }
  // Phase 1: nothing new.
  pickup_->stop();
  listeners_->close();
  queue_->stop_handing_out();
  groups_->request_stop();
  // Phase 2: what is in flight may end.
  const bool drained = groups_->wait(limit);
  transports_->stop(deadline);
  const bool idle =
      queue_->stop(std::max(std::chrono::duration_cast<Duration>(deadline - environment_.clock.mono()), Duration(0)));
  if (!drained || !idle)
    master_log_.warning("sessions or deliveries were cut off at the stop; their mail stays queued");
  // Phase 3: everything else. Lookups end first: a session that is cut off may be the last to hold a table, and cannot
  // wait for what the table's workers wait for.
  snapshot_->tables->workers()->stop();
  groups_->clear();
  dispatcher_->stop();
  spool_->stop();
  blocking_.reset();
  resolver_.reset();
  threads_->stop();
}

Relay::~Relay() {
  if (threads_ && pickup_) stop(std::chrono::seconds(0));
}

}  // namespace waypost::daemon
