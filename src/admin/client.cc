#include "admin/client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/text.h"

namespace waypost::admin {
namespace {

Result<> connect_to(const Descriptor& socket, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Errc::invalid, fmt::format("socket path too long: {}", path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(Errc::refused, errno_text(errno));
  }
  return {};
}

Result<> send_all(const Descriptor& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Errc::io, errno_text(errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::string> read_to_end(const Descriptor& socket) {
  std::string out;
  char buffer[65536];
  while (true) {
    const ssize_t n = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return fail(errno == EAGAIN ? Errc::timeout : Errc::io,
                  errno == EAGAIN ? "no answer in time" : errno_text(errno));
    if (n == 0) return out;
    if (out.size() + static_cast<std::size_t>(n) > kMaxAnswer) return fail(Errc::invalid, "answer too long");
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

Result<Response> parse_answer(std::string answer) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const auto end = answer.find("\r\n\r\n");
  const auto status = parse_number(std::string_view(answer).substr(std::min(kVersion.size(), answer.size()), 3), 599);
  if (!answer.starts_with(kVersion) || end == std::string::npos || !status)
    return fail(Errc::invalid, "the daemon's answer is not HTTP");
  Response response;
  response.status = static_cast<int>(*status);
  response.body = answer.substr(end + 4);
  return response;
}

}  // namespace

Result<Response> call(const std::string& path, std::string_view method, std::string_view target, std::string_view body,
                      int timeout_s) {
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return fail(Errc::io, errno_text(errno));
  const timeval limit{timeout_s, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (auto connected = connect_to(socket, path); !connected) return std::unexpected(connected.error());
  if (auto sent = send_all(socket, format_request(method, target, body)); !sent) return std::unexpected(sent.error());
  auto answer = read_to_end(socket);
  if (!answer) return std::unexpected(answer.error());
  return parse_answer(std::move(*answer));
}

}  // namespace waypost::admin
