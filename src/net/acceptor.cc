#include "net/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <optional>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/text.h"
#include "net/internal.h"

namespace waypost::net {

namespace {

constexpr int kAcceptBatch = 64;  // connections taken before the thread's other work has a turn
constexpr std::chrono::seconds kAcceptPause{1};

bool is_shortage(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

// True when the path is a socket that nobody listens on.
bool is_stale_socket(const SocketAddress& address, const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const bool refused = connect(probe, address.get(), address.length) != 0 && errno == ECONNREFUSED;
  close(probe);
  return refused;
}

Result<> prepare_listener(int fd, const Endpoint& local, const SocketAddress& address, const ListenOptions& options) {
  const int on = 1;
  if (local.is_unix) {
    if (is_stale_socket(address, local.address)) unlink(local.address.c_str());
  } else {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (options.reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (address.storage.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  const bool done = bind(fd, address.get(), address.length) == 0 && listen(fd, options.backlog) == 0 &&
                    (!local.is_unix || chmod(local.address.c_str(), options.unix_mode) == 0);
  if (done) return {};
  const int error = errno;
  return fail(error == EADDRINUSE ? Errc::exists : Errc::io,
              local.is_unix ? fmt::format("bind {}: {}", local.to_string(), errno_text(error))
                            : fmt::format("bind {} port {}: {}", local.address, local.port, errno_text(error)));
}

}  // namespace

Result<int> open_listener(const Endpoint& local, const ListenOptions& options) {
  const auto address = to_socket_address(local);
  if (!address) return std::unexpected(address.error());
  const int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(Errc::io, fmt::format("socket for {}: {}", local.to_string(), errno_text(errno)));
  auto prepared = prepare_listener(fd, local, *address, options);
  if (prepared) return fd;
  close(fd);
  return std::unexpected(std::move(prepared.error()));
}

Result<Endpoint> local_endpoint(int fd) {
  SocketAddress address;
  if (getsockname(fd, address.get(), &address.length) != 0) return fail(Errc::io, errno_text(errno));
  return to_endpoint(address);
}

// One descriptor on one thread.
class Acceptor::Listener final : public DeadlineNode, public std::enable_shared_from_this<Listener> {
 public:
  Listener(IoThread& thread, int fd, std::shared_ptr<const Callbacks> callbacks)
      : thread_(thread), callbacks_(std::move(callbacks)), descriptor_(thread.impl().context.get_executor(), fd) {}

  IoThread& thread() { return thread_; }

  void wait() {
    if (!descriptor_.is_open()) return;
    descriptor_.async_wait(Descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->accept_waiting();
    });
  }

  void close() {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    DeadlineQueue::disarm(*this);
  }

 private:
  void accept_waiting() {
    for (int i = 0; i < kAcceptBatch && descriptor_.is_open(); ++i) {
      const int fd = accept4(descriptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        const int error = errno;
        if (is_shortage(error)) return pause(Error{Errc::unavailable, "accept: " + errno_text(error)});
        if (error == EAGAIN || error == EWOULDBLOCK) break;
        continue;  // that connection is gone again
      }
      auto stream = Stream::adopt(thread_, fd);
      if (!stream) return pause(std::move(stream.error()));
      callbacks_->on_connection(std::move(*stream));
    }
    wait();
  }

  void pause(Error why) {
    if (callbacks_->on_trouble) callbacks_->on_trouble(why);
    thread_.impl().arm(*this, thread_.now() + kAcceptPause);
  }

  void expired() override { wait(); }

  IoThread& thread_;
  const std::shared_ptr<const Callbacks> callbacks_;
  Descriptor descriptor_;
};

Acceptor::Acceptor(IoThreads& threads, const std::vector<int>& fds, Callbacks callbacks) : threads_(threads) {
  WAYPOST_ASSERT(!fds.empty() && callbacks.on_connection);
  const auto shared = std::make_shared<const Callbacks>(std::move(callbacks));
  for (std::size_t i = 0; i < std::max(fds.size(), threads.size()); ++i) {
    int fd = fds[i % fds.size()];
    if (i >= fds.size()) fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) continue;  // no descriptor left: the other threads serve
    const int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    listeners_.push_back(std::make_shared<Listener>(threads[i % threads.size()], fd, shared));
  }
  for (const auto& listener : listeners_) {
    listener->thread().post([listener] { listener->wait(); });
  }
}

Acceptor::~Acceptor() { stop(); }

void Acceptor::stop() {
  WAYPOST_ASSERT(IoThread::current() == nullptr);
  for (auto& listener : std::exchange(listeners_, {})) {
    if (!listener->thread().running()) {
      listener->close();
      continue;
    }
    std::promise<void> closed;
    listener->thread().post([&] {
      listener->close();
      closed.set_value();
    });
    closed.get_future().wait();
  }
}

}  // namespace waypost::net
