#include "smtp_source/source.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/clock.h"

namespace waypost::bench {

namespace {

constexpr int kOpenBurst = 256;  // so that thousands of sessions do not overflow the peer's listen backlog at once
constexpr std::int64_t kTickNs = 100 * kNsPerMs;
constexpr std::int64_t kWindDownNs = 5 * kNsPerSecond;  // after a stop, for answers that are due

}  // namespace

Source::Source(const SourceOptions& options) : options_(options), writer_(options), supply_(options.messages) {}

Source::~Source() {
  sessions_.clear();
  if (epoll_ >= 0) ::close(epoll_);
  SSL_CTX_free(tls_);
}

bool Source::open() {
  if (!options_.ledger.empty() && !ledger_.open(options_.ledger)) return false;
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (options_.tls != TlsUse::none) {
    tls_ = SSL_CTX_new(TLS_client_method());
    // OpenSSL would build and check the chain also with SSL_VERIFY_NONE, on processors that the relay needs.
    SSL_CTX_set_cert_verify_callback(tls_, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
    SSL_CTX_set_verify(tls_, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  context_ = std::make_unique<SourceContext>(SourceContext{options_, writer_, supply_, report_, ledger_, tls_, epoll_});
  for (int i = 0; i < options_.sessions; ++i) sessions_.push_back(std::make_unique<SourceSession>(*context_));
  generations_.resize(sessions_.size());
  return true;
}

bool Source::run(const volatile std::sig_atomic_t& stop) {
  report_.start_ns = now_ns();
  std::int64_t next_tick = 0;
  for (;;) {
    const std::int64_t now = now_ns();
    if (stop != 0 && !supply_.stopped()) supply_.stop();
    open_sessions(now);
    if (finished(now)) break;
    dispatch();
    if (now < next_tick && options_.rate <= 0) continue;
    next_tick = now + kTickNs;
    for (const auto& session : sessions_) {
      session->on_tick(now);
      if (supply_.stopped()) session->wind_down();
    }
  }
  report_.end_ns = now_ns();
  return options_.idle_s >= 0 ? report_.held >= options_.sessions
                              : report_.accepted + report_.unknown >= options_.messages;
}

void Source::open_sessions(std::int64_t now) {
  int burst = kOpenBurst;
  pausing_ = false;
  for (std::size_t i = 0; i < sessions_.size() && burst > 0; ++i) {
    SourceSession& session = *sessions_[i];
    if (session.is_open() || (options_.idle_s < 0 && supply_.exhausted()) || supply_.stopped()) continue;
    if (session.reopen_ns() > now) {
      pausing_ = true;
      continue;
    }
    --burst;
    // the generation keeps an event of an earlier connection from reaching this one
    session.open((std::uint64_t{++generations_[i]} << 32) | i);
    pausing_ = pausing_ || !session.is_open();
  }
  if (burst == 0) pausing_ = true;
}

void Source::dispatch() {
  std::array<epoll_event, 512> events{};
  const int count = epoll_wait(epoll_, events.data(), events.size(), wait_ms());
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const std::size_t index = event.data.u64 & 0xffffffff;
    if (generations_[index] != event.data.u64 >> 32 || !sessions_[index]->is_open()) continue;
    sessions_[index]->on_event((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0, (event.events & EPOLLOUT) != 0);
  }
}

bool Source::finished(std::int64_t now) {
  const bool any_open =
      std::any_of(sessions_.begin(), sessions_.end(), [](const auto& session) { return session->is_open(); });
  if (supply_.stopped()) {
    if (stop_deadline_ns_ == 0) stop_deadline_ns_ = now + kWindDownNs;
    return !any_open || now > stop_deadline_ns_;
  }
  if (options_.idle_s < 0) return !any_open && !pausing_ && supply_.exhausted();
  const bool all_held =
      std::all_of(sessions_.begin(), sessions_.end(), [](const auto& session) { return session->is_held(); });
  if (hold_until_ns_ == 0 &&
      (all_held ||
       now - report_.start_ns > static_cast<std::int64_t>(options_.timeout_s * static_cast<double>(kNsPerSecond)))) {
    hold_until_ns_ = now + static_cast<std::int64_t>(options_.idle_s * static_cast<double>(kNsPerSecond));
  }
  return hold_until_ns_ != 0 && now > hold_until_ns_;
}

int Source::wait_ms() const { return options_.rate > 0 ? 1 : pausing_ ? 10 : 100; }

}  // namespace waypost::bench
