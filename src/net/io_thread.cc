#include "net/io_thread.h"

#include <pthread.h>

#include <fmt/format.h>

#include "base/assert.h"
#include "net/internal.h"

namespace waypost::net {

namespace {
constexpr std::size_t kSealBytes = 16 * 1024;  // the largest TLS record, RFC 8446 §5.1
thread_local IoThread* current_thread = nullptr;
}  // namespace

IoThread::IoThread(std::size_t index) : impl_(std::make_unique<Impl>(index)) {}

IoThread::~IoThread() { stop(); }

void IoThread::start() {
  WAYPOST_ASSERT(!impl_->thread.joinable());
  impl_->work.emplace(impl_->context.get_executor());
  impl_->thread = std::thread([this] {
    pthread_setname_np(pthread_self(), fmt::format("io-{}", impl_->index).c_str());
    current_thread = this;
    impl_->context.run();
    current_thread = nullptr;
  });
}

void IoThread::stop() {
  WAYPOST_ASSERT(!on_this_thread());
  if (!impl_->thread.joinable()) return;
  impl_->context.stop();
  impl_->thread.join();
}

void IoThread::post(std::move_only_function<void()> work) {
  bool was_empty = false;
  {
    const std::lock_guard lock(impl_->inbox_mutex);
    was_empty = impl_->inbox.empty();
    impl_->inbox.push_back(std::move(work));
  }
  if (was_empty) boost::asio::post(impl_->context, [this] { impl_->run_posted(); });
}

bool IoThread::running() const { return impl_->thread.joinable(); }
std::size_t IoThread::index() const { return impl_->index; }
bool IoThread::on_this_thread() const { return current_thread == this; }
IoThread* IoThread::current() { return current_thread; }

std::span<char> IoThread::scratch() {
  if (!impl_->scratch) impl_->scratch = std::make_unique_for_overwrite<char[]>(kScratchBytes);
  return {impl_->scratch.get(), kScratchBytes};
}

std::span<char> IoThread::Impl::seal_buffer() {
  if (!seal) seal = std::make_unique_for_overwrite<char[]>(kSealBytes);
  return {seal.get(), kSealBytes};
}

void IoThread::Impl::run_posted() {
  {
    const std::lock_guard lock(inbox_mutex);
    running.swap(inbox);
  }
  for (auto& posted : running) {
    posted();
    posted = nullptr;  // what it owned goes before the next runs
  }
  running.clear();
}

void IoThread::Impl::arm(DeadlineNode& node, MonoTime deadline) {
  if (deadlines.arm(node, deadline)) set_timer();
}

void IoThread::Impl::arm_now(DeadlineNode& node) {
  deadlines.arm(node, MonoTime::min());
  if (expiry_posted) return;
  expiry_posted = true;
  boost::asio::post(context, [this] {
    expiry_posted = false;
    expire();
  });
}

void IoThread::Impl::expire() {
  deadlines.expire(std::chrono::steady_clock::now());
  set_timer();
}

void IoThread::Impl::set_timer() {
  const MonoTime next = deadlines.next();
  if (next == MonoTime::max()) return;
  const MonoTime due(std::chrono::ceil<DeadlineGrain>(next.time_since_epoch()));
  if (due >= timer_set_for) return;
  timer_set_for = due;
  timer.expires_at(due);
  timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // set anew for an earlier moment
    timer_set_for = MonoTime::max();
    expire();
  });
}

IoThreads::IoThreads(std::size_t count) {
  WAYPOST_ASSERT(count > 0);
  for (std::size_t i = 0; i < count; ++i) threads_.push_back(std::make_unique<IoThread>(i));
}

IoThreads::~IoThreads() { stop(); }

void IoThreads::start() {
  for (auto& thread : threads_) thread->start();
}

void IoThreads::stop() {
  for (auto& thread : threads_) thread->stop();
}

IoThread& IoThreads::next() { return *threads_[next_.fetch_add(1, std::memory_order_relaxed) % threads_.size()]; }

}  // namespace waypost::net
