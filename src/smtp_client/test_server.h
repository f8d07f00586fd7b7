// For tests: a small SMTP server on loopback that does what its script says. Plain sockets on threads of its own, so
// that it shares nothing with what it tests. Every read and write is bounded in time.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "tls/test_certificates.h"

namespace waypost::smtp_client {

// A reply of "" closes the connection; "silence" says nothing until the client gives up.
struct ServerScript {
  std::string greeting = "220 mx.test ESMTP";
  std::vector<std::string> keywords{"PIPELINING", "8BITMIME", "SIZE 1000000"};
  std::string ehlo;  // instead of the keywords
  std::string starttls = "220 go";
  std::string auth = "235 2.7.0 ok";
  std::string mail = "250 2.1.0 Ok";
  std::map<std::string, std::string> rcpt;  // by address; others get 250
  std::string data = "354 go";
  std::string final = "250 2.0.0 Ok: queued as TEST";
  bool close_after_body_bytes = false;  // as soon as content comes
  bool close_when_idle = false;         // after each message
  std::string early;                    // said, then closed, as soon as content comes
  tls::TestCertificate certificate;     // for STARTTLS
  bool immediate_tls = false;
};

class TestServer {
 public:
  explicit TestServer(ServerScript script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    WAYPOST_ASSERT(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    WAYPOST_ASSERT(::listen(listener_, 16) == 0);
    socklen_t size = sizeof address;
    WAYPOST_ASSERT(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept_all(); });
  }
  ~TestServer() {
    stopping_ = true;
    thread_.join();
    for (auto& session : sessions_) session.join();
    ::close(listener_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string nexthop() const { return "[127.0.0.1]:" + std::to_string(port_); }
  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  // All the command lines and the contents, as they came.
  std::vector<std::string> commands() const {
    const std::lock_guard lock(mutex_);
    return commands_;
  }
  std::vector<std::string> contents() const {
    const std::lock_guard lock(mutex_);
    return contents_;
  }
  bool received(std::string_view part) const {
    for (const auto& command : commands()) {
      if (command.contains(part)) return true;
    }
    return false;
  }

 private:
  struct Session {
    int fd = -1;
    SSL* ssl = nullptr;
    SSL_CTX* context = nullptr;
    std::string in;
  };

  void accept_all() {
    while (!stopping_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections_;
      const timeval limit{3, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
      sessions_.emplace_back([this, fd] {
        sigset_t signals;  // SSL_write knows no MSG_NOSIGNAL
        sigemptyset(&signals);
        sigaddset(&signals, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &signals, nullptr);
        Session session;
        session.fd = fd;
        serve(session);
        if (session.ssl != nullptr) SSL_free(session.ssl);
        if (session.context != nullptr) SSL_CTX_free(session.context);
        ::close(fd);
      });
    }
  }

  bool write(Session& session, std::string_view text) {
    const int size = static_cast<int>(text.size());
    if (session.ssl != nullptr) return SSL_write(session.ssl, text.data(), size) == size;
    return ::send(session.fd, text.data(), text.size(), MSG_NOSIGNAL) == size;
  }

  // False: the connection must end.
  bool say(Session& session, const std::string& reply) {
    if (reply.empty()) return false;
    if (reply == "silence") {
      while (!stopping_ && fill(session)) {
      }
      return false;
    }
    if (reply == "endless") {
      while (!stopping_ && write(session, "250-and another line\r\n")) {
      }
      return false;
    }
    return write(session, reply + "\r\n");
  }

  bool fill(Session& session) {
    char buffer[16384];
    const auto got = session.ssl != nullptr ? SSL_read(session.ssl, buffer, sizeof buffer)
                                            : ::recv(session.fd, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    session.in.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  bool read_line(Session& session, std::string& line) {
    while (!session.in.contains("\r\n")) {
      if (!fill(session)) return false;
    }
    const auto end = session.in.find("\r\n");
    line = session.in.substr(0, end);
    session.in.erase(0, end + 2);
    const std::lock_guard lock(mutex_);
    commands_.push_back(line);
    return true;
  }

  bool start_tls(Session& session) {
    session.in.clear();
    session.context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(session.context, script_.certificate.cert_file.c_str());
    SSL_CTX_use_PrivateKey_file(session.context, script_.certificate.key_file.c_str(), SSL_FILETYPE_PEM);
    session.ssl = SSL_new(session.context);
    SSL_set_fd(session.ssl, session.fd);
    return SSL_accept(session.ssl) == 1;
  }

  bool say_ehlo(Session& session) {
    if (!script_.ehlo.empty()) return say(session, script_.ehlo);
    std::string text = "250-mx.test\r\n";
    for (const auto& keyword : script_.keywords) {
      if (keyword != "STARTTLS" || session.ssl == nullptr) text += "250-" + keyword + "\r\n";
    }
    return write(session, text + "250 DONE\r\n");
  }

  bool take_content(Session& session) {
    for (;;) {
      if (!session.in.empty() && !script_.early.empty()) {
        write(session, script_.early + "\r\n");
        ::shutdown(session.fd, SHUT_WR);
        while (fill(session)) session.in.clear();
        return false;
      }
      if (!session.in.empty() && script_.close_after_body_bytes) return false;
      const bool empty = session.in.starts_with(".\r\n");
      const auto end = empty ? 0 : session.in.find("\r\n.\r\n");
      if (end != std::string::npos) {
        const std::lock_guard lock(mutex_);
        contents_.push_back(empty ? "" : session.in.substr(0, end + 2));
        session.in.erase(0, empty ? 3 : end + 5);
        return true;
      }
      if (!fill(session)) return false;
    }
  }

  std::string reply_to_rcpt(const std::string& line) {
    const auto from = line.find('<') + 1;
    const auto found = script_.rcpt.find(line.substr(from, line.find('>') - from));
    return found == script_.rcpt.end() ? "250 2.1.5 Ok" : found->second;
  }

  bool obey(Session& session, const std::string& line) {
    if (line.starts_with("EHLO")) return say_ehlo(session);
    if (line.starts_with("HELO")) return say(session, "250 mx.test");
    if (line.starts_with("STARTTLS")) {
      return say(session, script_.starttls) && (!script_.starttls.starts_with("220") || start_tls(session));
    }
    if (line.starts_with("AUTH")) return say(session, script_.auth);
    if (line.starts_with("MAIL")) return say(session, script_.mail);
    if (line.starts_with("RCPT")) return say(session, reply_to_rcpt(line));
    if (line == "DATA") {
      if (!say(session, script_.data)) return false;
      if (!script_.data.starts_with("354")) return true;
      return take_content(session) && say(session, script_.final) && !script_.close_when_idle;
    }
    if (line == "QUIT") return write(session, "221 bye\r\n") && false;
    return say(session, "250 2.0.0 Ok");
  }

  void serve(Session& session) {
    if (script_.immediate_tls && !start_tls(session)) return;
    if (!say(session, script_.greeting)) return;
    std::string line;
    while (!stopping_ && read_line(session, line) && obey(session, line)) {
    }
  }

  const ServerScript script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> commands_, contents_;
  std::vector<std::thread> sessions_;
  std::thread thread_;
};

}  // namespace waypost::smtp_client
