// For tests of sessions: fakes behind the ports, and a client on a loopback connection.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "net/sync_wait.h"
#include "smtp_server/session.h"

namespace waypost::smtp_server {

inline constexpr std::chrono::seconds kTestPatience{10};

// Permits all but what the test names.
class FakeAccess final : public AccessPort {
 public:
  net::Task<access::Decision> check_connect(const access::Subject&, access::Memory&) override { return say(connect); }
  net::Task<access::Decision> check_helo(const access::Subject&, access::Memory&) override { return say(helo); }
  net::Task<access::Decision> check_mail(const access::Subject&, access::Memory&) override { return say(mail); }
  net::Task<access::Decision> check_rcpt(const access::Subject& subject, access::Memory&) override {
    last = subject;
    const auto known = recipients.find(subject.recipient.value_or(""));
    return say(known == recipients.end() ? access::Decision{} : known->second);
  }
  net::Task<access::Decision> check_data(const access::Subject&) override { return say(data); }
  net::Task<access::Decision> check_end_of_data(const access::Subject& subject) override {
    last = subject;
    return say(end_of_data);
  }
  net::Task<bool> is_exempt_from_limits(const access::Subject&) override { co_return exempt; }

  static access::Decision refusal(int code, std::string dsn, std::string text) {
    access::Decision out;
    out.kind = access::Decision::Kind::refuse;
    out.code = code;
    out.dsn = std::move(dsn);
    out.text = std::move(text);
    return out;
  }

  access::Decision connect, helo, mail, data, end_of_data;
  std::map<std::string, access::Decision> recipients;
  access::Subject last;
  bool exempt = false;

 private:
  static net::Task<access::Decision> say(access::Decision decision) { co_return decision; }
};

// Keeps messages in memory.
class FakeIntake final : public IntakePort {
 public:
  struct Stored {
    mail::Envelope envelope;
    std::string content, tls_lines;
  };

  QueueId next_id() override { return QueueId(0xABCDE, ++ids); }
  std::optional<smtp::Reply> check_space(std::uint64_t) override { return space; }
  std::unique_ptr<IncomingMessage> begin(mail::Envelope envelope, std::string tls_lines) override {
    return std::make_unique<Incoming>(*this, Stored{std::move(envelope), {}, std::move(tls_lines)});
  }
  std::vector<Stored> messages() const {
    const std::lock_guard lock(mutex);
    return stored;
  }

  std::optional<smtp::Reply> space, append_refusal, finish_refusal;
  std::uint64_t ids = 0;
  std::atomic<int> abandoned{0};

 private:
  class Incoming final : public IncomingMessage {
   public:
    Incoming(FakeIntake& owner, Stored message) : owner_(owner), message_(std::move(message)) {}
    ~Incoming() override {
      if (!finished_) ++owner_.abandoned;
    }
    net::Task<std::optional<smtp::Reply>> append(std::string_view content) override {
      message_.content.append(content);
      co_return owner_.append_refusal;
    }
    net::Task<Verdict> finish() override {
      finished_ = true;
      if (owner_.finish_refusal) co_return Verdict{{}, owner_.finish_refusal};
      const QueueId id = message_.envelope.id;
      const std::lock_guard lock(owner_.mutex);
      owner_.stored.push_back(std::move(message_));
      co_return Verdict{id, std::nullopt};
    }

   private:
    FakeIntake& owner_;
    Stored message_;
    bool finished_ = false;
  };

  mutable std::mutex mutex;
  std::vector<Stored> stored;
};

// A blocking client; every wait has an end.
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

// A server without a listener: every client() is one session.
class TestServer {
 public:
  TestServer() : threads(1) {
    service.settings.protocol.hostname = "mx.example";
    service.settings.protocol.banner = "mx.example ESMTP Postfix";
    service.settings.protocol.error_sleep_time = std::chrono::seconds{0};
    service.access = access;
    threads.start();
    on_thread([this] { group.emplace(threads[0]); });
  }
  ~TestServer() {
    on_thread([this] { group.reset(); });
    threads.stop();
  }

  TestClient client() {
    const auto [server_fd, client_fd] = loopback_pair();
    auto snapshot = std::make_shared<const Service>(service);
    on_thread([this, server_fd, &snapshot] {
      auto stream = net::Stream::adopt(threads[0], server_fd);
      WAYPOST_ASSERT(stream.has_value());
      group->spawn(serve(std::move(*stream), std::move(snapshot), environment, *group));
    });
    return TestClient(client_fd);
  }

  // A client behind its greeting and EHLO.
  TestClient greeted() {
    TestClient out = client();
    out.until("220");
    out.ask("EHLO c.example", "250");
    return out;
  }

  void on_thread(const std::function<void()>& work) {
    std::promise<void> done;
    threads[0].post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Waits until a line of the log contains `part`.
  bool logged(std::string_view part) const {
    const auto end = std::chrono::steady_clock::now() + kTestPatience;
    while (!log.contains(part)) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
  }

  CapturingLog log;
  SystemClock clock;
  FakeIntake intake;
  NoNames names;
  SessionNumbers numbers;
  std::shared_ptr<FakeAccess> access = std::make_shared<FakeAccess>();
  Environment environment{log, clock, intake, names, numbers};
  Service service;
  net::IoThreads threads;
  std::optional<net::TaskGroup> group;
};

}  // namespace waypost::smtp_server
