// Stream: one connection, plaintext first, TLS after handshake(). It lives on one io thread and every call is made
// there. Reads and writes try at once and wait only when the kernel has nothing: the ready path neither suspends nor
// allocates, and an idle connection owns no buffer.
//
// One coroutine at a time uses a Stream, one operation at a time. Each operation is awaited where it is written:
// `const auto got = co_await stream.read_some(buffer, deadline);`. What it is given (buffers, pieces) must live until
// then. After Errc::timeout, Errc::tls or cancel() the Stream is dead: every further operation says Errc::closed. After
// an end of file it can still be written to, for peers that close their sending side first; and after a read or
// wait_readable() that timed out or was interrupted it is as before, for a server's last words.
//
// Failures: Errc::closed at end of stream (text "end of file"), reset, close() or cancel(); Errc::timeout at the
// deadline (kept to some 10 ms); Errc::tls with OpenSSL's words; Errc::io for the rest. Under TLS an end without
// close_notify is Errc::closed as well: SMTP has its own end marks (QUIT, the final dot), so nothing can be cut off
// unseen.
#pragma once

#include <sys/types.h>

#include <coroutine>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "net/endpoint.h"
#include "net/io_thread.h"
#include "net/task.h"

struct ssl_st;
using SSL = ssl_st;

namespace waypost::net {

enum class TlsRole : unsigned char { server, client };

namespace detail {

struct StreamState;

// An awaitable try-then-wait on a Stream. attempt() does as much as goes without blocking.
class Operation {
 public:
  Operation(StreamState* state, MonoTime deadline);
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  bool await_ready();
  void await_suspend(std::coroutine_handle<> caller);

 protected:
  virtual ~Operation();

  // True when the operation is over, well or not.
  virtual bool attempt() = 0;
  virtual void give_up(Error error) = 0;
  // Nothing is half done while it waits: a missed deadline ends the operation and not the stream.
  virtual bool leaves_whole() const { return false; }
  // For attempt(): over, and not well.
  bool failed(Error error) {
    give_up(std::move(error));
    return true;
  }

  StreamState* state_;

 private:
  friend struct StreamState;
  MonoTime deadline_;
  std::coroutine_handle<> caller_;
};

class [[nodiscard]] ReadSome final : public Operation {
 public:
  ReadSome(StreamState* state, std::span<char> into, MonoTime deadline) : Operation(state, deadline), into_(into) {}
  Result<std::size_t> await_resume() { return std::move(result_); }

 private:
  bool attempt() override;
  bool attempt_tls();
  bool leaves_whole() const override { return true; }
  void give_up(Error error) override { result_ = std::unexpected(std::move(error)); }
  std::span<char> into_;
  Result<std::size_t> result_;
};

// What ends without a value: waiting, writing, connecting, the handshake, close_notify.
class VoidOperation : public Operation {
 public:
  using Operation::Operation;
  Result<> await_resume() { return std::move(result_); }

 protected:
  void give_up(Error error) override { result_ = std::unexpected(std::move(error)); }
  Result<> result_;
};

class [[nodiscard]] WaitReadable final : public VoidOperation {
 public:
  using VoidOperation::VoidOperation;

 private:
  bool attempt() override;
  bool leaves_whole() const override { return true; }
};

class [[nodiscard]] WriteAll final : public VoidOperation {
 public:
  WriteAll(StreamState* state, std::string_view bytes, MonoTime deadline)
      : VoidOperation(state, deadline), single_(bytes), pieces_(&single_, 1) {}
  WriteAll(StreamState* state, std::span<const std::string_view> pieces, MonoTime deadline)
      : VoidOperation(state, deadline), pieces_(pieces) {}

 private:
  bool attempt() override;
  bool attempt_plain();
  ssize_t send_some();
  bool attempt_tls();
  std::string_view next_record();
  void advance(std::size_t bytes);
  std::string_view single_;
  std::span<const std::string_view> pieces_;  // what is left; the first piece from offset_
  std::size_t offset_ = 0;
};

class [[nodiscard]] Handshake final : public VoidOperation {
 public:
  using VoidOperation::VoidOperation;

 private:
  bool attempt() override;
};

}  // namespace detail

class Stream {
 public:
  Stream() = default;  // closed
  // Takes a connected, non-blocking socket. For net/ itself and for descriptors that come from elsewhere.
  static Result<Stream> adopt(IoThread& thread, int fd);

  Stream(Stream&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  // Result<std::size_t>, at least 1. `into` must not be empty.
  detail::ReadSome read_some(std::span<char> into, MonoTime deadline) { return {state_, into, deadline}; }
  // Result<>: read_some() would not wait for the first byte (under TLS it may still, when half a record came).
  detail::WaitReadable wait_readable(MonoTime deadline) { return {state_, deadline}; }
  // Result<>: all bytes are with the kernel. Several pieces go out in as few system calls and TLS records as possible.
  detail::WriteAll write_all(std::string_view bytes, MonoTime deadline) { return {state_, bytes, deadline}; }
  detail::WriteAll write_all(std::span<const std::string_view> pieces, MonoTime deadline) {
    return {state_, pieces, deadline};
  }
  // Result<>: encrypted from now on. Takes `ssl`, also when it fails: then the reason is Errc::tls with OpenSSL's
  // words, or how the connection ended. The caller checks the peer's certificate afterwards.
  detail::Handshake handshake(SSL* ssl, TlsRole role, MonoTime deadline);

  bool encrypted() const;
  SSL* ssl() const;  // nullptr in plaintext; for questions only
  const Endpoint& peer() const;
  const Endpoint& local() const;
  IoThread& thread();
  bool is_open() const;
  int fd() const;  // -1 when closed

  // Says close_notify under TLS, ends the sending side, throws away what has arrived (so that the kernel does not
  // answer it with a reset that overtakes our last words), closes. Does not wait for the peer to do the same.
  Task<void> close_gracefully(MonoTime deadline);
  // At once. A pending operation ends with Errc::closed.
  void close();
  // A pending operation ends with Errc::closed, and so does every later one; the descriptor stays open until close().
  void cancel();
  // A pending read or wait_readable() ends with Errc::timeout, as at its deadline. Any other operation goes on.
  void interrupt();

 private:
  friend Task<Result<Stream>> connect(IoThread&, Endpoint, std::optional<Endpoint>, MonoTime);
  explicit Stream(detail::StreamState* state) : state_(state) {}
  void learn_endpoints();
  void discard_input();

  detail::StreamState* state_ = nullptr;
};

// A connection to `remote`, from `bind` (its port may be 0). Runs on `thread`, where the Stream then lives.
// Errc::refused, Errc::timeout (the deadline's or the kernel's), Errc::unavailable (a unix socket with a full queue),
// Errc::io; the text is the operating system's words alone ("Connection refused").
Task<Result<Stream>> connect(IoThread& thread, Endpoint remote, std::optional<Endpoint> bind, MonoTime deadline);

// Two ends of one connection, for tests. Callable before the threads run; use each end on its thread.
Result<std::pair<Stream, Stream>> make_pair(IoThread& first, IoThread& second);

}  // namespace waypost::net
