// net::Stream under TLS: back-pressure, ends of connections, deadlines.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "net/stream.h"
#include "net/sync_wait.h"
#include "tls/client_context.h"
#include "tls/peer.h"
#include "tls/server_context.h"
#include "tls/test_certificates.h"

namespace waypost::tls {
namespace {

using net::Stream;
using net::Task;
using net::TaskGroup;
using net::TlsRole;
using std::chrono::milliseconds;
using std::chrono::seconds;

MonoTime in(milliseconds time) { return std::chrono::steady_clock::now() + time; }

Task<Result<>> handshake(Stream& stream, SSL* ssl, TlsRole role, MonoTime deadline) {
  const auto done = co_await stream.handshake(ssl, role, deadline);
  co_return done;
}

Task<Result<std::string>> read_bytes(Stream& stream, std::size_t count, MonoTime deadline) {
  std::string all;
  while (all.size() < count) {
    const auto scratch = stream.thread().scratch();
    const auto got = co_await stream.read_some(scratch, deadline);
    if (!got) co_return std::unexpected(got.error());
    all.append(scratch.data(), *got);
  }
  co_return all;
}

Task<Result<>> write_pieces(Stream& stream, std::vector<std::string> owned, MonoTime deadline) {
  const std::vector<std::string_view> pieces(owned.begin(), owned.end());
  const auto written = co_await stream.write_all(pieces, deadline);
  co_return written;
}

Task<void> close_now(Stream& stream) { co_await stream.close_gracefully(in(seconds{5})); }

// Both ends on one thread each, so that a blocked write and the read that frees it run at once.
class StreamTlsTest : public testing::Test {
 protected:
  StreamTlsTest() {
    const TestCertificate files = authority_.issue("server", {});
    server_context_ =
        ServerContext::create({.certificates = {.cert_file = files.cert_file, .key_file = files.key_file}}).value();
    client_context_ = ClientContext::create({.ca_file = authority_.ca_file()}).value();
    auto pair = net::make_pair(threads_[0], threads_[1]).value();
    client_ = std::move(pair.first);
    server_ = std::move(pair.second);
    threads_.start();
  }
  ~StreamTlsTest() override { threads_.stop(); }

  void start_tls() {
    std::thread other(
        [&] { EXPECT_TRUE(on_server(handshake(server_, server_ssl(), TlsRole::server, in(seconds{10})))); });
    EXPECT_TRUE(on_client(handshake(client_, client_ssl(), TlsRole::client, in(seconds{10}))));
    other.join();
  }
  SSL* server_ssl() { return server_context_->new_session().value(); }
  SSL* client_ssl() { return client_context_->new_session({}).value(); }
  template <class T>
  T on_client(Task<T> task) {
    return net::sync_wait(threads_[0], std::move(task));
  }
  template <class T>
  T on_server(Task<T> task) {
    return net::sync_wait(threads_[1], std::move(task));
  }

  TestAuthority authority_;
  std::shared_ptr<const ServerContext> server_context_;
  std::shared_ptr<const ClientContext> client_context_;
  net::IoThreads threads_{2};
  Stream client_;
  Stream server_;
};

TEST_F(StreamTlsTest, CarriesDataBothWaysAfterTheHandshake) {
  start_tls();
  EXPECT_TRUE(client_.encrypted());
  EXPECT_STREQ(SSL_get_version(server_.ssl()), "TLSv1.3");
  ASSERT_TRUE(on_client(write_pieces(client_, {"MAIL ", "", "FROM:<>\r\n"}, in(seconds{5}))));
  EXPECT_EQ(on_server(read_bytes(server_, 14, in(seconds{5}))), "MAIL FROM:<>\r\n");
  ASSERT_TRUE(on_server(write_pieces(server_, {"250 Ok\r\n"}, in(seconds{5}))));
  EXPECT_EQ(on_client(read_bytes(client_, 8, in(seconds{5}))), "250 Ok\r\n");
}

TEST_F(StreamTlsTest, ABigGatheredWriteArrivesWholeThroughBackPressure) {
  start_tls();
  std::vector<std::string> pieces;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    pieces.push_back(std::string(static_cast<std::size_t>(1 + i * 37 % 5000), static_cast<char>('a' + i % 26)));
    expected += pieces.back();
  }
  pieces.push_back(std::string(100'000, 'z'));
  expected += pieces.back();
  std::thread writer([&] { EXPECT_TRUE(on_client(write_pieces(client_, pieces, in(seconds{30})))); });
  std::this_thread::sleep_for(milliseconds{30});
  const auto got = on_server(read_bytes(server_, expected.size(), in(seconds{30})));
  writer.join();
  ASSERT_TRUE(got);
  EXPECT_TRUE(*got == expected);
}

TEST_F(StreamTlsTest, CloseNotifyAndItsAbsenceBothEndTheStream) {
  start_tls();
  on_client(close_now(client_));
  const auto end = on_server(read_bytes(server_, 1, in(seconds{5})));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::closed);
  EXPECT_EQ(end.error().text, "end of file");
}

TEST_F(StreamTlsTest, AnEndWithoutCloseNotifyIsClosedToo) {
  start_tls();
  shutdown(client_.fd(), SHUT_RDWR);
  const auto end = on_server(read_bytes(server_, 1, in(seconds{5})));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::closed);
  EXPECT_EQ(end.error().text, "end of file without close_notify");
  on_server(close_now(server_));
}

TEST_F(StreamTlsTest, AHandshakeWithASilentPeerEndsAtItsDeadline) {
  const auto done = on_server(handshake(server_, server_ssl(), TlsRole::server, in(milliseconds{50})));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::timeout);
  EXPECT_FALSE(server_.encrypted());
}

TEST_F(StreamTlsTest, AHandshakeWithPlaintextIsATlsError) {
  ASSERT_TRUE(on_client(write_pieces(client_, {"EHLO not.tls.example.com\r\n"}, in(seconds{5}))));
  const auto done = on_server(handshake(server_, server_ssl(), TlsRole::server, in(seconds{5})));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::tls);
  EXPECT_EQ(done.error().text, "error:0A00010B:SSL routines::wrong version number");
}

TEST_F(StreamTlsTest, AHandshakeThatThePeerLeavesIsClosed) {
  client_.close();
  const auto done = on_server(handshake(server_, server_ssl(), TlsRole::server, in(seconds{5})));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::closed);
}

Task<Result<std::string>> read_after_waiting(Stream& stream, std::size_t bytes, MonoTime deadline) {
  std::string all;
  std::array<char, 4> buffer;  // less than a record, so that the rest waits inside OpenSSL
  while (all.size() < bytes) {
    const auto readable = co_await stream.wait_readable(deadline);
    if (!readable) co_return std::unexpected(readable.error());
    const auto got = co_await stream.read_some(buffer, deadline);
    if (!got) co_return std::unexpected(got.error());
    all.append(buffer.data(), *got);
  }
  co_return all;
}

TEST_F(StreamTlsTest, WaitReadableSeesWhatOpensslHoldsBack) {
  start_tls();
  for (const char* record : {"first..", "second.", "third.."}) {
    ASSERT_TRUE(on_client(write_pieces(client_, {record}, in(seconds{5}))));
  }
  EXPECT_EQ(on_server(read_after_waiting(server_, 21, in(seconds{2}))), "first..second.third..");
}

TEST_F(StreamTlsTest, AReadUnderTlsEndsAtItsDeadline) {
  start_tls();
  const auto got = on_server(read_bytes(server_, 1, in(milliseconds{50})));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
}

TEST_F(StreamTlsTest, GarbageInsideTheStreamIsATlsError) {
  start_tls();
  const std::string garbage(64, 'x');
  ASSERT_EQ(send(client_.fd(), garbage.data(), garbage.size(), MSG_NOSIGNAL), 64);
  const auto got = on_server(read_bytes(server_, 1, in(seconds{5})));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::tls);
}

}  // namespace
}  // namespace waypost::tls
