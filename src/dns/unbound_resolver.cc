#include "dns/unbound_resolver.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/text.h"
#include "dns/packet.h"
#include "net/completion.h"
#include "net/io_thread.h"

namespace waypost::dns {

namespace {

constexpr int kClassIn = 1;
// What libunbound says about the proof of an answer.
constexpr int kBogus = 1;
constexpr int kSecure = 2;

struct FreeContext {
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
struct FreeBase {
  void operator()(event_base* base) const { event_base_free(base); }
};
struct FreeEvent {
  void operator()(event* one) const { event_free(one); }
};
using ContextPtr = std::unique_ptr<ub_ctx, FreeContext>;
using EventPtr = std::unique_ptr<event, FreeEvent>;

Result<> set_option(ub_ctx* context, const char* name, const std::string& value) {
  const int error = ub_ctx_set_option(context, name, value.c_str());
  if (error == 0) return {};
  return fail(Errc::invalid, fmt::format("libunbound: {} {}: {}", name, value, ub_strerror(error)));
}

// One server thread, so one slab each; the defaults of libunbound are for a big one, or with caches too small to be of
// use. Private reverse zones are the site's own business: its servers know them.
Result<> set_options(ub_ctx* context, const ResolverSettings& settings) {
  const std::pair<const char*, std::string> options[] = {
      {"msg-cache-size:", std::to_string(settings.message_cache_bytes)},
      {"rrset-cache-size:", std::to_string(settings.record_cache_bytes)},
      {"key-cache-size:", std::to_string(settings.key_cache_bytes)},
      {"msg-cache-slabs:", "1"},
      {"rrset-cache-slabs:", "1"},
      {"key-cache-slabs:", "1"},
      {"infra-cache-slabs:", "1"},
      {"outgoing-range:", "256"},
      {"num-queries-per-thread:", "4096"},
      {"do-not-query-localhost:", "no"},
      {"unblock-lan-zones:", "yes"},
      {"insecure-lan-zones:", "yes"},
  };
  for (const auto& [name, value] : options) {
    if (auto set = set_option(context, name, value); !set) return set;
  }
  return {};
}

Result<> set_servers(ub_ctx* context, const ResolverSettings& settings) {
  for (const std::string& server : settings.servers) {
    if (const int error = ub_ctx_set_fwd(context, server.c_str()); error != 0) {
      return fail(Errc::invalid, fmt::format("name server \"{}\": {}", server, ub_strerror(error)));
    }
  }
  if (!settings.servers.empty() || ub_ctx_resolvconf(context, settings.resolv_conf.c_str()) == 0) return {};
  ub_ctx_set_fwd(context, "127.0.0.1");  // as the C library does without a resolv.conf
  return {};
}

Result<> set_anchors(ub_ctx* context, const ResolverSettings& settings) {
  if (!settings.trust_anchor_file.empty()) {
    if (const int error = ub_ctx_add_ta_file(context, settings.trust_anchor_file.c_str()); error != 0) {
      return fail(Errc::io, fmt::format("trust anchor file {}: {}", settings.trust_anchor_file, ub_strerror(error)));
    }
  }
  for (const std::string& anchor : settings.trust_anchors) {
    if (const int error = ub_ctx_add_ta(context, anchor.c_str()); error != 0) {
      return fail(Errc::invalid, fmt::format("trust anchor \"{}\": {}", anchor, ub_strerror(error)));
    }
  }
  for (const std::string& zone : settings.transparent_zones) {
    if (const int error = ub_ctx_zone_add(context, zone.c_str(), "transparent"); error != 0) {
      return fail(Errc::invalid, fmt::format("zone \"{}\": {}", zone, ub_strerror(error)));
    }
  }
  return {};
}

Result<ContextPtr> make_context(event_base* base, const ResolverSettings& settings) {
  ContextPtr context(ub_ctx_create_event(base));
  if (!context) return fail(Errc::unavailable, "libunbound: " + errno_text(errno));
  for (const auto step : {set_options, set_servers, set_anchors}) {
    if (auto done = step(context.get(), settings); !done) return std::unexpected(std::move(done.error()));
  }
  return context;
}

timeval until(MonoTime deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - std::chrono::steady_clock::now());
  const auto us = std::max<std::int64_t>(left.count(), 0);
  return timeval{us / 1'000'000, us % 1'000'000};
}

}  // namespace

// The DNS thread. Queries come in through a list and a wake-up, answers leave through their Completion.
class UnboundResolver::Engine {
 public:
  explicit Engine(ResolverSettings settings) : settings_(std::move(settings)) {}
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  struct Query {
    std::string name;
    Type type;
    MonoTime deadline;
    net::Completion<Answer>::Resolver answer;
    Engine* engine = nullptr;
    EventPtr timer;
    int id = 0;
    bool asking = false;  // ub_resolve_event() runs: it may answer at once
  };
  // Any thread.
  void submit(std::unique_ptr<Query> query);

 private:
  Result<> start();
  void run();
  void take_submitted();
  void ask(std::unique_ptr<Query> query);
  void finish(Query& query, Answer answer);
  static void on_wake(int fd, short, void* engine);
  static void on_timeout(int, short, void* query);
  static void on_answer(void* query, int rcode, void* packet, int packet_bytes, int proof, char* why_bogus,
                        int limited);

  const ResolverSettings settings_;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Query>> submitted_;
  bool started_ = false;
  bool stopping_ = false;
  std::string broken_;  // why it could not start
  std::thread thread_;

  // Made by start(), then the DNS thread's alone.
  int wake_fd_ = -1;
  std::unique_ptr<event_base, FreeBase> base_;
  EventPtr wake_;
  ContextPtr context_;
  std::unordered_map<Query*, std::unique_ptr<Query>> running_;
};

UnboundResolver::Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) {
    eventfd_write(wake_fd_, 1);
    thread_.join();
  }
  if (wake_fd_ >= 0) close(wake_fd_);
}

Result<> UnboundResolver::Engine::start() {
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  base_.reset(event_base_new());
  if (wake_fd_ < 0 || !base_) return fail(Errc::unavailable, "name service: " + errno_text(errno));
  wake_.reset(event_new(base_.get(), wake_fd_, EV_READ | EV_PERSIST, on_wake, this));
  event_add(wake_.get(), nullptr);
  auto context = make_context(base_.get(), settings_);
  if (!context) return std::unexpected(std::move(context.error()));
  context_ = std::move(*context);
  thread_ = std::thread([this] { run(); });
  return {};
}

void UnboundResolver::Engine::submit(std::unique_ptr<Query> query) {
  const std::lock_guard lock(mutex_);
  if (!started_) {
    started_ = true;
    if (auto done = start(); !done) broken_ = done.error().text;
  }
  if (!broken_.empty() || stopping_) {
    Answer answer = failed_answer(Status::temporary, query->name, query->type);
    if (!broken_.empty()) answer.failure += fmt::format(" ({})", broken_);
    query->answer(std::move(answer));
    return;
  }
  submitted_.push_back(std::move(query));
  if (submitted_.size() == 1) eventfd_write(wake_fd_, 1);
}

void UnboundResolver::Engine::run() {
  pthread_setname_np(pthread_self(), "dns");
  event_base_dispatch(base_.get());
  context_.reset();  // no callback comes after this
  take_submitted();
  for (auto& [query, owner] : running_) query->answer(failed_answer(Status::temporary, query->name, query->type));
  running_.clear();
  wake_.reset();
  base_.reset();
}

void UnboundResolver::Engine::on_wake(int fd, short, void* engine) {
  eventfd_t ignored = 0;
  eventfd_read(fd, &ignored);
  static_cast<Engine*>(engine)->take_submitted();
}

void UnboundResolver::Engine::take_submitted() {
  std::vector<std::unique_ptr<Query>> taken;
  bool stop = false;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(submitted_);
    stop = stopping_;
  }
  for (auto& query : taken) {
    if (stop) {
      query->answer(failed_answer(Status::temporary, query->name, query->type));
    } else {
      ask(std::move(query));
    }
  }
  if (stop) event_base_loopbreak(base_.get());
}

void UnboundResolver::Engine::ask(std::unique_ptr<Query> owner) {
  Query& query = *owner;
  running_.emplace(&query, std::move(owner));
  query.engine = this;
  query.asking = true;
  const int error = ub_resolve_event(context_.get(), query.name.c_str(), static_cast<int>(query.type), kClassIn, &query,
                                     on_answer, &query.id);
  if (!query.asking) {  // answered from the cache
    running_.erase(&query);
    return;
  }
  query.asking = false;
  if (error != 0) return finish(query, failed_answer(Status::temporary, query.name, query.type));
  if (query.deadline == MonoTime::max()) return;
  query.timer.reset(event_new(base_.get(), -1, 0, on_timeout, &query));
  const timeval left = until(query.deadline);
  event_add(query.timer.get(), &left);
}

void UnboundResolver::Engine::finish(Query& query, Answer answer) {
  query.answer(std::move(answer));
  if (query.asking) {
    query.asking = false;  // ask() does the rest
  } else {
    running_.erase(&query);
  }
}

void UnboundResolver::Engine::on_timeout(int, short, void* query) {
  auto& late = *static_cast<Query*>(query);
  ub_cancel(late.engine->context_.get(), late.id);
  late.engine->finish(late, failed_answer(Status::temporary, late.name, late.type));
}

void UnboundResolver::Engine::on_answer(void* query, int rcode, void* packet, int packet_bytes, int proof, char*, int) {
  auto& asked = *static_cast<Query*>(query);
  constexpr int kNxdomain = 3;
  // The proof comes first: nothing of a forged answer is looked at.
  if (proof == kBogus) {
    return asked.engine->finish(asked, failed_answer(Status::bogus, asked.name, asked.type));
  }
  if ((rcode != 0 && rcode != kNxdomain) || packet == nullptr || packet_bytes <= 0) {
    return asked.engine->finish(asked, failed_answer(Status::temporary, asked.name, asked.type));
  }
  const std::string_view bytes(static_cast<const char*>(packet), static_cast<std::size_t>(packet_bytes));
  Answer answer = parse_response(bytes, asked.name, asked.type);
  answer.secure = proof == kSecure;
  asked.engine->finish(asked, std::move(answer));
}

UnboundResolver::UnboundResolver(ResolverSettings settings) : engine_(std::make_unique<Engine>(std::move(settings))) {}

UnboundResolver::~UnboundResolver() = default;

net::Task<Answer> UnboundResolver::lookup(std::string name, Type type, MonoTime deadline) {
  net::IoThread* const thread = net::IoThread::current();
  WAYPOST_ASSERT(thread != nullptr);
  if (!encode_name(name)) co_return failed_answer(Status::nxdomain, name, type);
  net::Completion<Answer> done(*thread);
  engine_->submit(std::unique_ptr<Engine::Query>(
      new Engine::Query{.name = std::move(name), .type = type, .deadline = deadline, .answer = done.resolver()}));
  Answer answer = co_await done.wait();
  co_return answer;
}

}  // namespace waypost::dns
