// The event loop behind IoThread and Stream. The only header that sees Asio; only net/*.cc include it.
#pragma once

#ifndef BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_ASIO_SEPARATE_COMPILATION
#endif
#ifndef BOOST_ASIO_NO_DEPRECATED
#define BOOST_ASIO_NO_DEPRECATED
#endif

#include <sys/socket.h>

#include <chrono>
#include <coroutine>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "net/deadline_queue.h"
#include "net/io_thread.h"
#include "net/stream.h"

using BIO = struct bio_st;

namespace waypost::net {

using Executor = boost::asio::io_context::executor_type;
using Descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;

// Deadlines that lie closer together than this are served in one wake-up.
using DeadlineGrain = std::chrono::duration<std::int64_t, std::centi>;

struct IoThread::Impl {
  explicit Impl(std::size_t number) : index(number), timer(context) {}

  // Loop thread only.
  void arm(DeadlineNode& node, MonoTime deadline);
  void arm_now(DeadlineNode& node);
  void run_posted();
  std::span<char> seal_buffer();  // where the pieces of one TLS record are put together

  const std::size_t index;
  boost::asio::io_context context{1};
  std::optional<boost::asio::executor_work_guard<Executor>> work;
  std::thread thread;

  std::mutex inbox_mutex;
  std::vector<std::move_only_function<void()>> inbox;  // under inbox_mutex
  std::vector<std::move_only_function<void()>> running;

  DeadlineQueue deadlines;
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    Executor>
      timer;
  MonoTime timer_set_for = MonoTime::max();
  bool expiry_posted = false;

  std::unique_ptr<char[]> scratch;
  std::unique_ptr<char[]> seal;

 private:
  void expire();
  void set_timer();
};

namespace detail {

// Why an operation that waits will not be tried again.
enum class Ended : unsigned char { no, timeout, closed };
enum class Want : unsigned char { read, write };

// What a Stream, its pending operation and its pending wait share; counted, all on one thread.
struct StreamState final : DeadlineNode {
  StreamState(IoThread& owner, int fd) : thread(owner), descriptor(owner.impl().context.get_executor(), fd) {}
  ~StreamState() override;

  bool usable() const { return ended == Ended::no && descriptor.is_open(); }
  // Marks the stream dead and makes a pending wait end.
  void end(Ended why);
  // Ends a pending wait for input as its deadline would.
  void interrupt();
  void close();

  // Waits for what `want` says, or only yields when the ready path was taken too often in a row.
  void begin(Operation& operation);
  void wait();
  void on_wake();
  void abandon(const Operation& operation);
  void expired() override { end(Ended::timeout); }
  Error end_error() const;

  IoThread& thread;
  Descriptor descriptor;
  Endpoint peer;
  Endpoint local;
  SSL* ssl = nullptr;
  Operation* pending = nullptr;
  int references = 0;
  unsigned streak = 0;  // operations in a row that were ready at once
  Want want = Want::read;
  Ended ended = Ended::no;
  bool encrypted = false;

 private:
  void finish();
};

// A counted reference for one thread.
class StateRef {
 public:
  explicit StateRef(StreamState* state) : state_(state) { ++state_->references; }
  StateRef(StateRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  StateRef(const StateRef& other) : state_(other.state_) {
    if (state_ != nullptr) ++state_->references;
  }
  StateRef& operator=(StateRef) = delete;
  ~StateRef() { drop(state_); }
  StreamState* operator->() const { return state_; }

  static void drop(StreamState* state) {
    if (state != nullptr && --state->references == 0) delete state;
  }

 private:
  StreamState* state_;
};

// Says close_notify.
class CloseNotify final : public VoidOperation {
 public:
  using VoidOperation::VoidOperation;

 private:
  bool attempt() override;
};

// The SSL object holds input that the descriptor will not announce again: a record or the beginning of one.
bool tls_has_pending(const StreamState& state);

}  // namespace detail

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<SocketAddress> to_socket_address(const Endpoint& endpoint);
// IPv4-mapped addresses become IPv4.
Endpoint to_endpoint(const SocketAddress& address);

// "Connection reset by peer" and the like, as the Error that Stream's contract promises.
Error socket_error(int error);
// TCP_NODELAY and SO_KEEPALIVE; nothing for unix sockets.
void tune_socket(int fd, int family);
// A BIO that sends with MSG_NOSIGNAL. It does not own `fd`.
BIO* make_socket_bio(int fd);

}  // namespace waypost::net
