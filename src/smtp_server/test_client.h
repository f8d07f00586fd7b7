// For tests: a blocking client on a loopback connection. Every wait has an end.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace waypost::smtp_server {

inline constexpr std::chrono::seconds kTestPatience{10};

class TestClient {
 public:
  explicit TestClient(int fd) : fd_(fd) {}
  TestClient(TestClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)), got_(std::move(other.got_)) {}
  ~TestClient() { close(); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // Replies up to the first whose line begins with `code` and a blank; or all there is until the end.
  std::string until(std::string_view code) {
    const std::string wanted = std::string(code) + ' ';
    for (std::size_t line = 0;;) {
      const auto end = got_.find("\r\n", line);
      if (end == std::string::npos) {
        if (!more()) return std::exchange(got_, {});
        continue;
      }
      const bool found = got_.compare(line, wanted.size(), wanted) == 0;
      line = end + 2;
      if (found) {
        std::string out = got_.substr(0, line);
        got_.erase(0, line);
        return out;
      }
    }
  }
  // All that comes until the server closes.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(got_, {});
  }
  std::string ask(std::string_view line, std::string_view code) {
    send(std::string(line) + "\r\n");
    return until(code);
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd() const { return fd_; }

 private:
  bool more() {
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, std::chrono::milliseconds(kTestPatience).count()) != 1) return false;
    char buffer[4096];
    const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n > 0) got_.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  int fd_;
  std::string got_;
};

// A connected pair of TCP sockets on the loopback.
inline std::pair<int, int> loopback_pair() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  WAYPOST_ASSERT(::bind(listener, generic, size) == 0 && ::listen(listener, 1) == 0);
  WAYPOST_ASSERT(::getsockname(listener, generic, &size) == 0);
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  WAYPOST_ASSERT(::connect(client, generic, size) == 0);
  const int server = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  WAYPOST_ASSERT(server >= 0);
  ::close(listener);
  return {server, client};
}

}  // namespace waypost::smtp_server
