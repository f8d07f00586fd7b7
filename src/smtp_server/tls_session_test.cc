#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "smtp_server/test_support.h"
#include "tls/test_certificates.h"

namespace waypost::smtp_server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// OpenSSL's own blocking client on a TestClient's socket.
class TlsClient {
 public:
  explicit TlsClient(TestClient& below) : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
    const timeval patience{kTestPatience.count(), 0};
    ::setsockopt(below.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    SSL_set_fd(ssl_, below.fd());
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool connected() const { return connected_; }
  std::string ask(std::string_view text, std::string_view code) {
    SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
    std::string got;
    char buffer[4096];
    while (got.find(std::string(code) + " ") == std::string::npos) {
      const int n = SSL_read(ssl_, buffer, sizeof buffer);
      if (n <= 0) break;
      got.append(buffer, static_cast<std::size_t>(n));
    }
    return got;
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
  bool connected_ = false;
};

class TlsSession : public ::testing::Test {
 protected:
  TlsSession() {
    const auto pair = authority_.issue("mx", {.common_name = "mx.example", .dns_names = {"mx.example"}});
    tls::ServerSettings settings;
    settings.certificates.cert_file = pair.cert_file;
    settings.certificates.key_file = pair.key_file;
    auto context = tls::ServerContext::create(settings);
    WAYPOST_ASSERT(context.has_value());
    server_.service.tls_context = *context;
    server_.service.settings.protocol.tls = smtp::ServerTls::encrypt;
    server_.service.settings.tls_loglevel = 1;
    server_.service.settings.tls_received_header = true;
  }

  tls::TestAuthority authority_;
  TestServer server_;
};

TEST_F(TlsSession, TakesAMessageBehindStarttls) {
  TestClient plain = server_.greeted();
  EXPECT_EQ(plain.ask("MAIL FROM:<a@b>", "530"), "530 5.7.0 Must issue a STARTTLS command first\r\n");
  EXPECT_EQ(plain.ask("STARTTLS", "220"), "220 2.0.0 Ready to start TLS\r\n");
  TlsClient c(plain);
  ASSERT_TRUE(c.connected());
  EXPECT_THAT(c.ask("EHLO again.example\r\n", "250"), ::testing::Not(HasSubstr("STARTTLS")));
  EXPECT_THAT(c.ask("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", "354"), StartsWith("250 2.1.0 Ok"));
  EXPECT_THAT(c.ask("x\r\n.\r\n", "250"), HasSubstr("queued as"));
  EXPECT_THAT(c.ask("QUIT\r\n", "221"), StartsWith("221"));
  EXPECT_TRUE(server_.logged("Anonymous TLS connection established from unknown[127.0.0.1]: TLSv1.3 with cipher "));
  EXPECT_TRUE(server_.logged("ehlo=2 starttls=1 mail=1/2 rcpt=1 data=1 quit=1 commands=7/8"));
  const auto stored = server_.intake.messages().at(0);
  EXPECT_EQ(stored.envelope.protocol, "ESMTPS");
  EXPECT_EQ(stored.envelope.helo, "again.example");
  EXPECT_THAT(stored.arrival.tls_lines, StartsWith("\t(using TLSv1.3 with cipher "));
  EXPECT_THAT(stored.arrival.tls_lines, HasSubstr("bits)\r\n\t key-exchange "));
  EXPECT_THAT(stored.arrival.tls_lines, ::testing::EndsWith("\r\n\t(No client certificate requested)\r\n"));
}

TEST_F(TlsSession, PlaintextBehindStarttlsIsThrownAway) {
  TestClient plain = server_.greeted();
  plain.send("STARTTLS\r\nNOOP\r\n");
  EXPECT_EQ(plain.until("220"), "220 2.0.0 Ready to start TLS\r\n");
  TlsClient c(plain);
  ASSERT_TRUE(c.connected());
  EXPECT_THAT(c.ask("EHLO x\r\n", "250"), StartsWith("250-mx.example"));
}

TEST_F(TlsSession, AFailedHandshakeIsLogged) {
  TestClient plain = server_.greeted();
  plain.ask("STARTTLS", "220");
  plain.send("this is no client hello at all\r\n");
  plain.rest();
  EXPECT_TRUE(server_.logged("SSL_accept error from unknown[127.0.0.1]: -1"));
  EXPECT_TRUE(server_.logged("warning: TLS library problem: "));
  EXPECT_TRUE(server_.logged("lost connection after STARTTLS from unknown[127.0.0.1]"));
  EXPECT_TRUE(server_.logged("ehlo=1 starttls=0/1 commands=1/2"));
}

TEST_F(TlsSession, WrapperModeBeginsWithTls) {
  server_.service.settings.protocol.tls_wrapper = true;
  TestClient plain = server_.client();
  TlsClient c(plain);
  ASSERT_TRUE(c.connected());
  EXPECT_THAT(c.ask("", "220"), StartsWith("220 mx.example"));
  EXPECT_THAT(c.ask("EHLO x\r\n", "250"), ::testing::Not(HasSubstr("STARTTLS")));
  EXPECT_THAT(c.ask("MAIL FROM:<a@b>\r\n", "250"), StartsWith("250 2.1.0 Ok"));
}

TEST_F(TlsSession, WithoutACertificateStarttlsIsPutOff) {
  server_.service.tls_context = nullptr;
  TestClient plain = server_.greeted();
  EXPECT_EQ(plain.ask("STARTTLS", "454"), "454 4.7.0 TLS not available due to local problem\r\n");
}

}  // namespace
}  // namespace waypost::smtp_server
