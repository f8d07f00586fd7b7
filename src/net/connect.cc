#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "net/internal.h"

namespace waypost::net {

namespace {

class Connecting final : public detail::VoidOperation {
 public:
  Connecting(detail::StreamState* state, const SocketAddress& remote, MonoTime deadline)
      : VoidOperation(state, deadline), remote_(remote) {}

 private:
  // Asked again, the kernel says how the attempt stands.
  bool attempt() override {
    if (::connect(state_->descriptor.native_handle(), remote_.get(), remote_.length) == 0) return true;
    switch (errno) {
      case EISCONN:
        return true;
      case EINPROGRESS:
      case EALREADY:
      case EINTR:
        state_->want = detail::Want::write;
        return false;
      default:
        return failed(socket_error(errno));
    }
  }

  const SocketAddress& remote_;
};

// Choosing the port is left to connect(), so that one source address serves more than 28,000 connections.
Result<> bind_source(int fd, const Endpoint& source) {
  const auto address = to_socket_address(source);
  if (!address) return std::unexpected(address.error());
  const int on = 1;
  if (source.port == 0 && !source.is_unix) setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (::bind(fd, address->get(), address->length) != 0) {
    return fail(Errc::io, "bind " + source.address + ": " + errno_text(errno));
  }
  return {};
}

}  // namespace

Task<Result<Stream>> connect(IoThread& thread, Endpoint remote, std::optional<Endpoint> bind, MonoTime deadline) {
  const auto address = to_socket_address(remote);
  if (!address) co_return std::unexpected(address.error());
  const int fd = ::socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(Errc::io, errno_text(errno));
  auto stream = Stream::adopt(thread, fd);
  if (!stream) co_return std::unexpected(std::move(stream.error()));
  if (bind) {
    const auto bound = bind_source(fd, *bind);
    if (!bound) co_return std::unexpected(bound.error());
  }
  const auto connected = co_await Connecting(stream->state_, *address, deadline);
  if (!connected) co_return std::unexpected(connected.error());
  stream->learn_endpoints();
  co_return std::move(*stream);
}

}  // namespace waypost::net
