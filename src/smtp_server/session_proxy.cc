// The load balancer's header, before anything else is said.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/text.h"
#include "smtp/proxy_header.h"
#include "smtp_server/session_impl.h"

namespace waypost::smtp_server {
namespace {

using State = smtp::ProxyHeader::State;

// What has come, up to `limit` bytes, and stays in the socket.
Result<std::string_view> peek(net::Stream& stream, std::size_t limit) {
  const auto scratch = stream.thread().scratch();
  const auto got = ::recv(stream.fd(), scratch.data(), std::min(scratch.size(), limit), MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::string_view();
  if (got < 0) return fail(Errc::io, errno_text(errno));
  if (got == 0) return fail(Errc::closed, "EOF");
  return std::string_view(scratch.data(), static_cast<std::size_t>(got));
}

// Takes bytes that were seen with peek().
bool drop(net::Stream& stream, std::size_t bytes) {
  const auto scratch = stream.thread().scratch();
  return ::recv(stream.fd(), scratch.data(), bytes, MSG_DONTWAIT) == static_cast<ssize_t>(bytes);
}

}  // namespace

// Nothing behind the header may be taken: in wrapper mode it belongs to TLS, which reads the socket itself.
net::Task<std::optional<Ends>> read_proxy_header(net::Stream& stream, const ServiceSettings& settings, const Log& log) {
  const MonoTime deadline = stream.thread().now() + settings.proxy_timeout;
  std::string received;
  while (true) {
    const auto readable = co_await stream.wait_readable(deadline);
    if (!readable) {
      log.warning("haproxy read: {}", readable.error().code == Errc::timeout ? "timeout error" : "EOF");
      co_return std::nullopt;
    }
    const auto more = peek(stream, smtp::kMaxProxyHeaderBytes - received.size());
    if (!more) {
      log.warning("haproxy read: {}", more.error().text);
      co_return std::nullopt;
    }
    const std::size_t before = received.size(), came = more->size();
    received += *more;
    const auto header = smtp::parse_proxy_header(received);
    if (header.state == State::bad) {
      log.warning("haproxy read: {}: {}", header.error, escaped(received, smtp::kMaxProxyHeaderBytes));
      co_return std::nullopt;
    }
    const bool whole = header.state != State::incomplete;
    if (!drop(stream, whole ? header.length - before : came)) co_return std::nullopt;
    if (!whole) continue;
    if (header.state == State::own) co_return ends_of(stream);
    co_return Ends{header.client_address, fmt::format("{}", header.client_port), header.server_address,
                   fmt::format("{}", header.server_port)};
  }
}

}  // namespace waypost::smtp_server
