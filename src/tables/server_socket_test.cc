#include "tables/server_socket.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>
#include <thread>

#include "tables/server_link.h"

namespace waypost::tables {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::string parsed(std::string_view text) {
  const auto address = ServerAddress::parse(text, "/queue");
  if (!address) return address.error().text;
  return address->path.empty() ? address->host + "|" + address->port : address->path;
}

TEST(ServerAddress, ReadsHostsAndPaths) {
  EXPECT_EQ(parsed("host:25"), "host|25");
  EXPECT_EQ(parsed("inet:host:smtp"), "host|smtp");
  EXPECT_EQ(parsed("inet:[::1]:25"), "::1|25");
  EXPECT_EQ(parsed("unix:/run/x"), "/run/x");
  EXPECT_EQ(parsed("unix:private/x"), "/queue/private/x");
  EXPECT_EQ(parsed("host"), "need host:port, not \"host\"");
  EXPECT_EQ(parsed(":25"), "need host:port, not \":25\"");
  EXPECT_EQ(parsed("host:"), "need host:port, not \"host:\"");
  EXPECT_EQ(parsed("unix:"), "no path of a socket");
  EXPECT_EQ(parsed("unix:/" + std::string(106, 'x')).size(), 107U);
  EXPECT_THAT(parsed("unix:/" + std::string(107, 'x')), HasSubstr("socket path too long"));
}

// On a port of loopback.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_.get(), 10), 0);
    socklen_t length = sizeof address;
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    address_ = {.host = "127.0.0.1", .port = std::to_string(ntohs(address.sin_port)), .path = ""};
  }
  const ServerAddress& address() const { return address_; }
  Descriptor accept() const { return Descriptor(::accept(fd_.get(), nullptr, nullptr)); }
  void close() { fd_.reset(); }

 private:
  Descriptor fd_;
  ServerAddress address_;
};

std::string receive(const Descriptor& connection) {
  char buffer[1000];
  const auto got = ::recv(connection.get(), buffer, sizeof buffer, 0);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : "";
}

void say(const Descriptor& connection, std::string_view text) {
  EXPECT_EQ(::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

std::string ask(ServerLink& link, std::string_view key, milliseconds limit = seconds(20)) {
  const auto answer = link.ask(tcp::request(key), tcp::parse, Patience(limit));
  return answer ? answer->text : "failed: " + answer.error().text;
}

TEST(ServerLink, KeepsItsConnectionAndReplacesADeadOne) {
  const Listener listener;
  std::thread server([&] {
    const Descriptor first = listener.accept();
    EXPECT_EQ(receive(first), "get a\n");
    say(first, "200 ");  // in pieces
    say(first, "one\n");
    EXPECT_EQ(receive(first), "get b\n");
    say(first, "200 two\n");
    EXPECT_EQ(receive(first), "get c\n");
    ::shutdown(first.get(), SHUT_RDWR);  // instead of an answer
    const Descriptor second = listener.accept();
    EXPECT_EQ(receive(second), "get c\n");
    say(second, "200 three\n");
  });
  ServerLink link(listener.address(), {});
  EXPECT_EQ(ask(link, "a"), "one");
  EXPECT_EQ(ask(link, "b"), "two");
  EXPECT_EQ(ask(link, "c"), "three");
  server.join();
}

TEST(ServerLink, DoesNotUseAConnectionOnWhichTheServerSpokeUnasked) {
  const Listener listener;
  std::promise<void> spoken;
  std::thread server([&] {
    const Descriptor first = listener.accept();
    receive(first);
    say(first, "200 one\n");
    say(first, "200 late answer\n");
    spoken.set_value();
    const Descriptor second = listener.accept();
    EXPECT_EQ(receive(second), "get b\n");
    say(second, "200 two\n");
  });
  ServerLink link(listener.address(), {});
  // Both at once break the protocol; one after the other, the second is found before the next question.
  const auto first = ask(link, "a");
  EXPECT_TRUE(first == "one" || first.starts_with("failed: more than one reply")) << first;
  spoken.get_future().wait();
  EXPECT_EQ(ask(link, "b"), "two");
  server.join();
}

TEST(ServerLink, GivesUpAtItsTime) {
  const Listener listener;  // never answers
  ServerLink link(listener.address(), {});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(link, "a", milliseconds(50)), "failed: Connection timed out");
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(50));
}

TEST(ServerLink, SaysThatNobodyListens) {
  Listener listener;
  const auto address = listener.address();
  listener.close();
  ServerLink link(address, {});
  const auto answer = link.ask("x", tcp::parse, Patience(seconds(20)));
  EXPECT_EQ(answer.error().code, Errc::refused);
  EXPECT_EQ(answer.error().text, "Connection refused");
}

TEST(Patience, EndsWhenTheRelayStops) {
  StopSignal stop;
  const Patience patience(Patience::Clock::now() + std::chrono::hours(1), &stop);
  EXPECT_FALSE(patience.is_over());
  EXPECT_TRUE(patience.pause(milliseconds(1)));
  std::thread stopper([&] { stop.raise(); });
  EXPECT_EQ(patience.wait(-1, 0).error().code, Errc::closed);
  stopper.join();
  EXPECT_TRUE(patience.is_over());
  EXPECT_FALSE(patience.pause(milliseconds(1)));
}

}  // namespace
}  // namespace waypost::tables
