#include "net/stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <openssl/ssl.h>

#include "base/assert.h"
#include "base/text.h"
#include "net/internal.h"

namespace waypost::net {

namespace detail {

namespace {
constexpr std::size_t kMaxPieces = 64;  // of one sendmsg()

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }
Error end_of_file() { return Error{Errc::closed, "end of file"}; }
}  // namespace

bool ReadSome::attempt() {
  WAYPOST_ASSERT(!into_.empty());
  if (state_->encrypted) return attempt_tls();
  while (true) {
    const auto got = recv(state_->descriptor.native_handle(), into_.data(), into_.size(), 0);
    if (got > 0) {
      result_ = static_cast<std::size_t>(got);
      return true;
    }
    if (got == 0) return failed(end_of_file());
    if (would_block(errno)) {
      state_->want = Want::read;
      return false;
    }
    if (errno != EINTR) return failed(socket_error(errno));
  }
}

bool WaitReadable::attempt() {
  if (state_->encrypted && tls_has_pending(*state_)) return true;
  char byte = 0;
  const auto got = recv(state_->descriptor.native_handle(), &byte, 1, MSG_PEEK);
  if (got >= 0) return true;  // an end of file is for read_some() to tell
  if (would_block(errno) || errno == EINTR) {
    state_->want = Want::read;
    return false;
  }
  return failed(socket_error(errno));
}

bool WriteAll::attempt() { return state_->encrypted ? attempt_tls() : attempt_plain(); }

bool WriteAll::attempt_plain() {
  while (true) {
    advance(0);
    if (pieces_.empty()) return true;
    const auto put = send_some();
    if (put >= 0) {
      advance(static_cast<std::size_t>(put));
    } else if (would_block(errno)) {
      state_->want = Want::write;
      return false;
    } else if (errno != EINTR) {
      return failed(socket_error(errno));
    }
  }
}

// One system call for what is left, or for as many pieces as it takes.
ssize_t WriteAll::send_some() {
  const int fd = state_->descriptor.native_handle();
  if (pieces_.size() == 1) {
    const std::string_view rest = pieces_.front().substr(offset_);
    return send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
  }
  std::array<iovec, kMaxPieces> vectors;
  const std::size_t count = std::min(pieces_.size(), vectors.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view piece = pieces_[i].substr(i == 0 ? offset_ : 0);
    vectors[i] = iovec{const_cast<char*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

// The next run of bytes for one TLS record: as it lies, when the piece fills a record or is the last one; otherwise
// put together in the thread's buffer. A repeated call gives the same bytes, as SSL_write demands after WANT_WRITE.
std::string_view WriteAll::next_record() {
  const std::string_view first = pieces_.front().substr(offset_);
  const auto buffer = state_->thread.impl().seal_buffer();
  if (pieces_.size() == 1 || first.size() >= buffer.size()) return first.substr(0, buffer.size());
  std::size_t filled = 0;
  for (std::size_t i = 0; i < pieces_.size() && filled < buffer.size(); ++i) {
    const std::string_view piece = i == 0 ? first : pieces_[i];
    filled += piece.copy(buffer.data() + filled, buffer.size() - filled);
  }
  return {buffer.data(), filled};
}

// Moves on by `bytes`, then over empty pieces.
void WriteAll::advance(std::size_t bytes) {
  offset_ += bytes;
  while (!pieces_.empty() && offset_ >= pieces_.front().size()) {
    offset_ -= pieces_.front().size();
    pieces_ = pieces_.subspan(1);
  }
}

}  // namespace detail

Result<Stream> Stream::adopt(IoThread& thread, int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    const int error = errno;
    ::close(fd);
    return fail(Errc::io, errno_text(error));
  }
  try {
    Stream stream(new detail::StreamState(thread, fd));
    stream.state_->references = 1;
    stream.learn_endpoints();
    return stream;
  } catch (const boost::system::system_error& error) {
    ::close(fd);  // the event loop did not take it
    return fail(Errc::io, error.code().message());
  }
}

void Stream::learn_endpoints() {
  SocketAddress address;
  if (getsockname(fd(), address.get(), &address.length) == 0) state_->local = to_endpoint(address);
  address.length = sizeof address.storage;
  if (getpeername(fd(), address.get(), &address.length) == 0) state_->peer = to_endpoint(address);
  tune_socket(fd(), address.storage.ss_family);
}

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::exchange(other.state_, nullptr);
  }
  return *this;
}

Stream::~Stream() { close(); }

void Stream::close() {
  if (state_ == nullptr) return;
  state_->close();
  detail::StateRef::drop(std::exchange(state_, nullptr));
}

void Stream::cancel() {
  if (state_ != nullptr) state_->end(detail::Ended::closed);
}

void Stream::interrupt() {
  if (state_ != nullptr) state_->interrupt();
}

bool Stream::encrypted() const { return state_ != nullptr && state_->encrypted; }
SSL* Stream::ssl() const { return encrypted() ? state_->ssl : nullptr; }
bool Stream::is_open() const { return state_ != nullptr; }
int Stream::fd() const { return state_ == nullptr ? -1 : state_->descriptor.native_handle(); }

const Endpoint& Stream::peer() const {
  WAYPOST_ASSERT(state_ != nullptr);
  return state_->peer;
}

const Endpoint& Stream::local() const {
  WAYPOST_ASSERT(state_ != nullptr);
  return state_->local;
}

IoThread& Stream::thread() {
  WAYPOST_ASSERT(state_ != nullptr);
  return state_->thread;
}

Task<void> Stream::close_gracefully(MonoTime deadline) {
  if (state_ == nullptr) co_return;
  if (state_->usable()) {
    if (state_->encrypted) {
      const auto said = co_await detail::CloseNotify(state_, deadline);
      static_cast<void>(said);  // the peer may be gone already; there is nothing left to do about it
    }
    discard_input();
  }
  close();
}

// Ends the sending side and throws away what has arrived, in bounds.
void Stream::discard_input() {
  if (!is_open()) return;
  constexpr int kRounds = 4;
  ::shutdown(fd(), SHUT_WR);
  const auto scratch = state_->thread.scratch();
  for (int i = 0; i < kRounds && recv(fd(), scratch.data(), scratch.size(), 0) > 0; ++i) {
  }
}

Result<std::pair<Stream, Stream>> make_pair(IoThread& first, IoThread& second) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
    return fail(Errc::io, errno_text(errno));
  }
  auto a = Stream::adopt(first, fds[0]);
  auto b = Stream::adopt(second, fds[1]);
  if (!a) return std::unexpected(std::move(a.error()));
  if (!b) return std::unexpected(std::move(b.error()));
  return std::pair(std::move(*a), std::move(*b));
}

}  // namespace waypost::net
