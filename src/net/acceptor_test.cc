#include "net/acceptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "net/sync_wait.h"

namespace waypost::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonoTime in(milliseconds time) { return std::chrono::steady_clock::now() + time; }

Task<void> greet(Stream stream, std::atomic<int>& served) {
  const auto written = co_await stream.write_all("220 ready\r\n", in(seconds{10}));
  if (!written) co_return;
  served.fetch_add(1);
  // An idle connection: no buffer of its own, only a deadline.
  const auto more = co_await stream.read_some(stream.thread().scratch(), in(seconds{60}));
  if (more) co_await stream.close_gracefully(in(seconds{1}));
}

// A service on two threads that greets and then waits.
class Service {
 public:
  explicit Service(const std::vector<int>& fds) {
    for (std::size_t i = 0; i < kThreads; ++i) groups_.push_back(std::make_unique<TaskGroup>(threads_[i]));
    threads_.start();
    acceptor_ =
        std::make_unique<Acceptor>(threads_, fds,
                                   Acceptor::Callbacks{[this](Stream stream) {
                                                         EXPECT_TRUE(stream.thread().on_this_thread());
                                                         const std::size_t index = stream.thread().index();
                                                         groups_[index]->spawn(greet(std::move(stream), served));
                                                       },
                                                       [this](const Error&) { trouble.fetch_add(1); }});
  }
  ~Service() {
    acceptor_->stop();
    threads_.stop();
  }
  IoThread& client_thread() { return threads_[0]; }
  void stop_accepting() { acceptor_->stop(); }

  std::atomic<int> served{0};
  std::atomic<int> trouble{0};

 private:
  static constexpr std::size_t kThreads = 2;
  IoThreads threads_{kThreads};
  std::vector<std::unique_ptr<TaskGroup>> groups_;
  std::unique_ptr<Acceptor> acceptor_;
};

Task<Result<std::string>> greeting_from(IoThread& thread, Endpoint remote, std::optional<Endpoint> bind) {
  auto stream = co_await connect(thread, std::move(remote), std::move(bind), in(seconds{10}));
  if (!stream) co_return std::unexpected(stream.error());
  std::array<char, 100> buffer;
  const auto got = co_await stream->read_some(buffer, in(seconds{10}));
  if (!got) co_return std::unexpected(got.error());
  co_return std::string(buffer.data(), *got);
}

Endpoint loopback() { return *Endpoint::parse("127.0.0.1:0"); }

TEST(Acceptor, ServesASharedDescriptorOnAllThreads) {
  const auto fd = open_listener(loopback());
  ASSERT_TRUE(fd);
  const auto where = local_endpoint(*fd);
  ASSERT_TRUE(where);
  Service service({*fd});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(sync_wait(service.client_thread(), greeting_from(service.client_thread(), *where, std::nullopt)),
              "220 ready\r\n");
  }
  EXPECT_EQ(service.served, 20);
}

TEST(Acceptor, ServesOneReusePortDescriptorPerThread) {
  const auto first = open_listener(loopback(), {.reuse_port = true});
  ASSERT_TRUE(first);
  const auto where = local_endpoint(*first);
  const auto second = open_listener(*where, {.reuse_port = true});
  ASSERT_TRUE(second);
  Service service({*first, *second});
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(sync_wait(service.client_thread(), greeting_from(service.client_thread(), *where, std::nullopt)));
  }
}

TEST(Acceptor, RefusesConnectionsOnceStopped) {
  const auto fd = open_listener(loopback());
  const auto where = local_endpoint(*fd);
  Service service({*fd});
  service.stop_accepting();
  const auto got = sync_wait(service.client_thread(), greeting_from(service.client_thread(), *where, std::nullopt));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::refused);
  EXPECT_EQ(got.error().text, "Connection refused");
}

TEST(Acceptor, AddressInUseIsToldApart) {
  const auto fd = open_listener(loopback());
  const auto where = local_endpoint(*fd);
  const auto again = open_listener(*where);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::exists);
  EXPECT_EQ(again.error().text,
            "bind " + where->address + " port " + std::to_string(where->port) + ": Address already in use");
  close(*fd);
}

TEST(Acceptor, ListensOnUnixSocketsAndReplacesAStaleOne) {
  std::string folder = "/tmp/waypost-net-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto where = Endpoint::unix_path(folder + "/socket");
  const auto stale = open_listener(where);
  ASSERT_TRUE(stale);
  EXPECT_FALSE(open_listener(where));  // still served
  close(*stale);
  const auto fd = open_listener(where);
  ASSERT_TRUE(fd);
  {
    Service service({*fd});
    EXPECT_TRUE(sync_wait(service.client_thread(), greeting_from(service.client_thread(), where, std::nullopt)));
  }
  std::filesystem::remove_all(folder);
}

TEST(Connect, LeavesFromTheGivenSourceAddress) {
  const auto fd = open_listener(loopback());
  const auto where = local_endpoint(*fd);
  IoThread io(0);
  io.start();
  const Endpoint source{"127.0.0.2", 0, false};
  auto stream = sync_wait(io, connect(io, *where, source, in(seconds{5})));
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->local().address, "127.0.0.2");
  EXPECT_EQ(stream->peer(), *where);
  io.stop();
  close(*fd);
}

TEST(Connect, EndsAtItsDeadline) {
  // A listener whose queue is full lets further connections wait.
  const auto fd = open_listener(loopback(), {.backlog = 0});
  const auto where = local_endpoint(*fd);
  IoThread io(0);
  io.start();
  std::vector<Stream> held;
  Errc last = Errc::invalid;
  for (int i = 0; i < 8 && last != Errc::timeout; ++i) {
    auto stream = sync_wait(io, connect(io, *where, std::nullopt, in(milliseconds{100})));
    if (stream) {
      held.push_back(std::move(*stream));
    } else {
      last = stream.error().code;
      EXPECT_EQ(stream.error().text, "Connection timed out");
    }
  }
  EXPECT_EQ(last, Errc::timeout);
  io.stop();
  held.clear();
  close(*fd);
}

TEST(Connect, AMissingUnixSocketIsAnIoError) {
  IoThread io(0);
  io.start();
  const auto stream =
      sync_wait(io, connect(io, Endpoint::unix_path("/nonexistent/socket"), std::nullopt, in(seconds{1})));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Errc::io);
  EXPECT_EQ(stream.error().text, "No such file or directory");
  io.stop();
}

int connect_blocking(const Endpoint& where) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(where.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

bool eventually(const std::function<bool()>& condition) {
  const MonoTime deadline = in(seconds{20});
  while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(milliseconds{10});
  return condition();
}

TEST(Acceptor, HoldsTwoThousandIdleConnections) {
  constexpr int kConnections = 2000;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 2 * kConnections + 200);
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 2 * kConnections + 200) GTEST_SKIP() << "too few descriptors allowed";
  const auto fd = open_listener(loopback());
  const auto where = local_endpoint(*fd);
  std::vector<int> clients;
  {
    Service service({*fd});
    for (int i = 0; i < kConnections; ++i) clients.push_back(connect_blocking(*where));
    EXPECT_TRUE(eventually([&] { return service.served == kConnections; })) << service.served;
    EXPECT_EQ(service.trouble, 0);
  }
  for (const int client : clients) close(client);
}

TEST(Acceptor, SurvivesRunningOutOfDescriptors) {
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "the sanitizer's vptr check needs a descriptor itself";
#endif
  const auto fd = open_listener(loopback());
  const auto where = local_endpoint(*fd);
  Service service({*fd});
  const int client = connect_blocking(*where);
  ASSERT_TRUE(eventually([&] { return service.served == 1; }));
  const int waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> hoard;
  for (int spare = dup(0); spare >= 0; spare = dup(0)) hoard.push_back(spare);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(where->port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(waiting, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(eventually([&] { return service.trouble > 0; }));
  for (const int spare : hoard) close(spare);
  EXPECT_TRUE(eventually([&] { return service.served == 2; }));
  EXPECT_LE(service.trouble, 4);  // two threads, once a second each
  close(client);
  close(waiting);
}

TEST(Endpoint, ReadsWhatItWrites) {
  for (const char* text : {"127.0.0.1:25", "[::1]:587", "[2001:db8::1]:65535", "unix:/run/x"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
}

TEST(Endpoint, RefusesWhatIsNoAddressAndPort) {
  for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "localhost:25", "::1:25",
                           "[127.0.0.1]:25", "[::1]", "[::1]:x", "unix:", "1.2.3:25"}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
  EXPECT_FALSE(Endpoint::parse("unix:" + std::string(200, 'a')));
}

}  // namespace
}  // namespace waypost::net
