// How an operation on a Stream waits: at most one at a time, woken by the descriptor, the deadline, or close().
#include <openssl/ssl.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/internal.h"

namespace waypost::net::detail {

namespace {
// A peer that always has data ready may not starve the other connections of the thread, nor outrun its deadline.
constexpr unsigned kMaxReadyStreak = 64;
}  // namespace

StreamState::~StreamState() { SSL_free(ssl); }

void StreamState::end(Ended why) {
  if (ended == Ended::no) ended = why;
  if (pending != nullptr && descriptor.is_open()) descriptor.cancel();
}

void StreamState::interrupt() {
  if (pending != nullptr && pending->leaves_whole()) end(Ended::timeout);
}

void StreamState::close() {
  end(Ended::closed);
  encrypted = false;
  SSL_free(std::exchange(ssl, nullptr));
  boost::system::error_code ignored;
  descriptor.close(ignored);
}

Error StreamState::end_error() const {
  if (ended == Ended::timeout) return Error{Errc::timeout, "Connection timed out"};
  return Error{Errc::closed, "the connection was closed here"};
}

void StreamState::begin(Operation& operation) {
  WAYPOST_ASSERT(pending == nullptr && thread.on_this_thread());
  pending = &operation;
  thread.impl().arm(*this, operation.deadline_);
  if (streak <= kMaxReadyStreak) return wait();
  boost::asio::post(thread.impl().context, [self = StateRef(this)] { self->on_wake(); });
}

void StreamState::wait() {
  const auto direction = want == Want::read ? Descriptor::wait_read : Descriptor::wait_write;
  descriptor.async_wait(direction, [self = StateRef(this)](const boost::system::error_code&) { self->on_wake(); });
}

void StreamState::on_wake() {
  if (pending == nullptr) return;  // abandoned
  if (ended == Ended::no && streak > kMaxReadyStreak && thread.now() >= pending->deadline_) ended = Ended::timeout;
  if (ended != Ended::no) {
    pending->give_up(end_error());
    if (ended == Ended::timeout && pending->leaves_whole()) ended = Ended::no;
    return finish();
  }
  streak = 0;
  if (pending->attempt()) return finish();
  wait();
}

void StreamState::finish() {
  const auto caller = std::exchange(pending, nullptr)->caller_;
  DeadlineQueue::disarm(*this);
  caller.resume();
}

void StreamState::abandon(const Operation& operation) {
  if (pending != &operation) return;
  pending = nullptr;
  DeadlineQueue::disarm(*this);
  // Half an operation may have been done: nobody can go on from here.
  end(Ended::closed);
  if (descriptor.is_open()) descriptor.cancel();
}

Operation::Operation(StreamState* state, MonoTime deadline) : state_(state), deadline_(deadline) {
  if (state_ != nullptr) ++state_->references;
}

Operation::~Operation() {
  if (state_ == nullptr) return;
  state_->abandon(*this);
  StateRef::drop(state_);
}

bool Operation::await_ready() {
  if (state_ == nullptr || !state_->usable()) {
    give_up(Error{Errc::closed, "the connection is closed"});
    return true;
  }
  if (++state_->streak > kMaxReadyStreak) return false;  // let the others have a turn
  return attempt();
}

void Operation::await_suspend(std::coroutine_handle<> caller) {
  caller_ = caller;
  state_->begin(*this);
}

}  // namespace waypost::net::detail
