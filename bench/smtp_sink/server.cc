#include "smtp_sink/server.h"

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/clock.h"

namespace waypost::bench {

namespace {

constexpr std::uint64_t kListenerTag = 1, kControlTag = 2;
constexpr int kAcceptBurst = 64, kIdleWaitMs = 500, kWaitPollMs = 2;

void add_listener(int epoll, int descriptor, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

}  // namespace

SinkServer::SinkServer(const SinkOptions& options)
    : options_(options), receipts_(options, counters_), control_(counters_, rules_) {}

SinkServer::~SinkServer() {
  sessions_.clear();
  for (const int descriptor : {epoll_, listener_, control_listener_}) {
    if (descriptor >= 0) ::close(descriptor);
  }
  SSL_CTX_free(tls_);
}

bool SinkServer::open() {
  for (const std::string& rule : options_.rules) {
    if (rules_.add(rule)) continue;
    std::fprintf(stderr, "not a rule: %s\n", rule.c_str());
    return false;
  }
  if (!receipts_.open() || (!options_.certificate.empty() && !load_certificate())) return false;
  port_ = options_.port;
  control_port_ = options_.control_port;
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  listener_ = listen_on(options_.host, port_, options_.backlog);
  control_listener_ = listen_on("127.0.0.1", control_port_, 16);
  if (listener_ < 0 || control_listener_ < 0) return false;
  add_listener(epoll_, listener_, kListenerTag);
  add_listener(epoll_, control_listener_, kControlTag);
  context_ = std::make_unique<SinkContext>(SinkContext{
      options_, rules_, counters_, receipts_, tls_, epoll_,
      [this](std::uint64_t id, std::int64_t delay_ms) { timers_.push({now_ns() + delay_ms * kNsPerMs, id}); }});
  return true;
}

bool SinkServer::load_certificate() {
  tls_ = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  static constexpr std::array<unsigned char, 4> kSessionContext{'s', 'i', 'n', 'k'};
  SSL_CTX_set_session_id_context(tls_, kSessionContext.data(), kSessionContext.size());
  if (SSL_CTX_use_certificate_chain_file(tls_, options_.certificate.c_str()) == 1 &&
      SSL_CTX_use_PrivateKey_file(tls_, options_.key.c_str(), SSL_FILETYPE_PEM) == 1) {
    return true;
  }
  ERR_print_errors_fp(stderr);
  return false;
}

void SinkServer::run(const volatile std::sig_atomic_t& stop) {
  std::array<epoll_event, 512> events{};
  while (stop == 0 && !control_.quit_asked()) {
    const int count = epoll_wait(epoll_, events.data(), events.size(), wait_ms());
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kListenerTag) {
        accept_sessions();
      } else if (event.data.u64 == kControlTag) {
        accept_control();
      } else {
        dispatch(event.data.u64, (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0, (event.events & EPOLLOUT) != 0);
      }
    }
    run_timers();
    control_.poll_waits();
  }
}

void SinkServer::accept_sessions() {
  for (int i = 0; i < kAcceptBurst; ++i) {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const std::uint64_t id = next_id_++;
    auto session = std::make_unique<Session>(*context_, id, descriptor);
    if (session->is_open()) sessions_.emplace(id, std::move(session));
  }
}

void SinkServer::accept_control() {
  const int descriptor = accept4(control_listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor >= 0) control_.adopt(descriptor, epoll_, next_id_++);
}

void SinkServer::dispatch(std::uint64_t tag, bool readable, bool writable) {
  if (control_.owns(tag)) return control_.on_event(tag);
  const auto found = sessions_.find(tag);
  if (found == sessions_.end()) return;
  found->second->on_event(readable, writable);
  if (!found->second->is_open()) sessions_.erase(found);
}

void SinkServer::run_timers() {
  const std::int64_t now = now_ns();
  while (!timers_.empty() && timers_.top().at_ns <= now) {
    const std::uint64_t id = timers_.top().session;
    timers_.pop();
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) continue;
    found->second->on_timer();
    if (!found->second->is_open()) sessions_.erase(found);
  }
}

int SinkServer::wait_ms() const {
  if (control_.waiting()) return kWaitPollMs;
  if (timers_.empty()) return kIdleWaitMs;
  const std::int64_t left = (timers_.top().at_ns - now_ns() + kNsPerMs - 1) / kNsPerMs;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, kIdleWaitMs));
}

}  // namespace waypost::bench
