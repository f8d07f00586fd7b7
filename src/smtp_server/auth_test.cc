#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "smtp_server/dovecot_auth.h"
#include "smtp_server/file_auth.h"
#include "smtp_server/test_support.h"

namespace waypost::smtp_server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string plain(std::string_view user, std::string_view password) {
  std::string text;
  text.append(1, '\0').append(user).append(1, '\0').append(password);
  return base64_encode(text);
}

class TemporaryFolder {
 public:
  TemporaryFolder() { WAYPOST_ASSERT(mkdtemp(path_.data()) != nullptr); }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_ = "/tmp/waypost-auth-XXXXXX";
};

void write_file(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::trunc) << text; }

TEST(PasswordFile, KnowsItsUsersAndReadsItselfAgain) {
  const TemporaryFolder folder;
  const std::string path = folder.file("passwd");
  PasswordFile file(path);
  EXPECT_EQ(file.verify("a", "x").error().code, Errc::unavailable);
  // Method 5 (SHA-256) with few rounds: quick.
  const std::string hash = "$5$rounds=1000$salt$";
  const std::string good = *hash_password("secret");
  write_file(path, "# users\n\nanna:" + good + ":1000:1000\nbroken\n:x\nbert:" + hash + "\nempty:\n");
  EXPECT_TRUE(*file.verify("anna", "secret"));
  EXPECT_FALSE(*file.verify("anna", "Secret"));
  EXPECT_FALSE(*file.verify("anna", ""));
  EXPECT_FALSE(*file.verify("anna", std::string_view("secret\0x", 8)));
  EXPECT_FALSE(*file.verify("bert", "secret"));
  EXPECT_FALSE(*file.verify("empty", ""));
  EXPECT_FALSE(*file.verify("nobody", "secret"));
  EXPECT_FALSE(*file.verify("# users", ""));
  write_file(path, "carl:" + *hash_password("other") + "\n");
  EXPECT_FALSE(*file.verify("anna", "secret"));
  EXPECT_TRUE(*file.verify("carl", "other"));
}

TEST(FileAuthenticator, AuthenticatesOverSmtp) {
  const TemporaryFolder folder;
  write_file(folder.file("passwd"), "anna@example.com:" + *hash_password("secret") + "\n");
  net::BlockingPool pool(1, 10);
  TestServer server;
  server.service.settings.protocol.auth_enable = true;
  server.service.authenticator = std::make_shared<FileAuthenticator>(
      FileAuthSettings{.path = folder.file("passwd"), .local_domain = "example.com"}, pool,
      Log(server.log, "postfix/smtpd", 1));
  TestClient c = server.client();
  c.until("220");
  EXPECT_THAT(c.ask("EHLO c.example", "250"), HasSubstr("AUTH PLAIN LOGIN\r\n"));
  EXPECT_EQ(c.ask("AUTH PLAIN " + plain("anna", "wrong"), "535"),
            "535 5.7.8 Error: authentication failed: authentication failure\r\n");
  EXPECT_TRUE(
      server.log.contains("warning: unknown[127.0.0.1]: SASL PLAIN authentication failed: authentication failure, "
                          "sasl_username=anna@example.com"));
  EXPECT_THAT(c.ask("AUTH PLAIN " + plain("nobody", "x"), "535"), StartsWith("535"));
  EXPECT_THAT(c.ask("AUTH PLAIN !!!!", "535"), HasSubstr("Invalid base64 data in initial response"));
  EXPECT_THAT(c.ask("AUTH GSSAPI", "535"), HasSubstr("Invalid authentication mechanism: 'GSSAPI'"));
  EXPECT_THAT(c.ask("AUTH LOGIN", "334"), StartsWith("334 "));
  EXPECT_EQ(c.ask("*", "501"), "501 5.7.0 Authentication aborted\r\n");
  EXPECT_TRUE(server.log.contains("warning: unknown[127.0.0.1]: SASL LOGIN authentication aborted"));
  c.ask("AUTH LOGIN", "334");
  EXPECT_THAT(c.ask(base64_encode("anna"), "334"), StartsWith("334 "));
  EXPECT_EQ(c.ask(base64_encode("secret"), "235"), "235 2.7.0 Authentication successful\r\n");
  c.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  c.until("354");
  c.ask(".", "250");
  c.ask("QUIT", "221");
  EXPECT_TRUE(server.logged("ABCDE1: client=unknown[127.0.0.1], sasl_method=LOGIN, sasl_username=anna@example.com"));
  EXPECT_TRUE(server.logged("ehlo=1 auth=1/6 mail=1 rcpt=1 data=1 quit=1 commands=6/11"));
  EXPECT_EQ(server.intake.messages()[0].envelope.protocol, "ESMTPA");
  EXPECT_EQ(server.access->last.sasl_username, "anna@example.com");
}

TEST(FileAuthenticator, AFileThatCannotBeReadIsTemporary) {
  net::BlockingPool pool(1, 10);
  TestServer server;
  server.service.settings.protocol.auth_enable = true;
  server.service.authenticator = std::make_shared<FileAuthenticator>(FileAuthSettings{.path = "/nonexistent/passwd"},
                                                                     pool, Log(server.log, "postfix/smtpd", 1));
  TestClient c = server.greeted();
  EXPECT_THAT(c.ask("AUTH PLAIN " + plain("a", "b"), "454"), StartsWith("454 4.7.0 Temporary authentication failure"));
  EXPECT_TRUE(server.log.contains("warning: SASL: open /nonexistent/passwd: No such file or directory"));
}

TEST(DovecotProtocol, ReadsTheHandshake) {
  using dovecot::Handshake;
  Handshake good;
  EXPECT_EQ(good.feed("VERSION\t1\t2"), Handshake::State::more);
  EXPECT_EQ(good.feed("MECH\tPLAIN\tplaintext"), Handshake::State::more);
  EXPECT_EQ(good.feed("MECH\tCRAM-MD5\tdictionary\tactive"), Handshake::State::more);
  EXPECT_EQ(good.feed("MECH\tANONYMOUS\tanonymous"), Handshake::State::more);
  EXPECT_EQ(good.feed("MECH\tEXTERNAL\tprivate"), Handshake::State::more);
  EXPECT_EQ(good.feed("MECH\tbad name"), Handshake::State::more);
  EXPECT_EQ(good.feed("SPID\t17"), Handshake::State::more);
  EXPECT_EQ(good.feed("COOKIE\tabc"), Handshake::State::more);
  EXPECT_EQ(good.feed("DONE"), Handshake::State::done);
  EXPECT_EQ(dovecot::allowed_mechanisms(good.mechanisms(), ""), "PLAIN CRAM-MD5 ANONYMOUS");
  EXPECT_EQ(dovecot::allowed_mechanisms(good.mechanisms(), "noanonymous, noplaintext"), "CRAM-MD5");
  EXPECT_EQ(dovecot::allowed_mechanisms(good.mechanisms(), "nodictionary"), "PLAIN ANONYMOUS");
  Handshake version;
  EXPECT_EQ(version.feed("VERSION\t2\t0"), Handshake::State::failed);
  EXPECT_EQ(Handshake().feed("VERSION"), Handshake::State::failed);
  EXPECT_EQ(Handshake().feed("SPID\t17"), Handshake::State::failed);
  Handshake endless;
  for (std::size_t i = 0; i < dovecot::kMaxHandshakeLines; ++i) ASSERT_EQ(endless.feed("X"), Handshake::State::more);
  EXPECT_EQ(endless.feed("X"), Handshake::State::failed);
}

TEST(DovecotProtocol, WritesRequestsThatNothingCanBreakOutOf) {
  const std::string response = "AGEAYg==";
  dovecot::Request request{.mechanism = "PLAIN",
                           .local_address = "192.0.2.1",
                           .remote_address = "192.0.2.2",
                           .secured = true,
                           .initial_response = &response};
  EXPECT_EQ(dovecot::auth_request(request),
            "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\trip=192.0.2.2\tsecured\tresp=AGEAYg==\n");
  const std::string evil = "AGEA\tx";
  request.initial_response = &evil;
  EXPECT_FALSE(dovecot::auth_request(request));
  request.initial_response = nullptr;
  request.mechanism = "PLAIN\tx";
  EXPECT_FALSE(dovecot::auth_request(request));
  EXPECT_EQ(dovecot::continue_request(1, "QQ=="), "CONT\t1\tQQ==\n");
  EXPECT_FALSE(dovecot::continue_request(1, "QQ==\nAUTH"));
  const std::string fits(dovecot::kMaxLineBytes - std::string_view("CONT\t1\t\n").size(), 'A');
  EXPECT_TRUE(dovecot::continue_request(1, fits));
  EXPECT_FALSE(dovecot::continue_request(1, fits + "A"));
}

TEST(DovecotProtocol, ReadsAnswers) {
  using K = dovecot::Answer::Kind;
  EXPECT_EQ(dovecot::parse_answer("OK\t1\tuser=anna\tx=y", 1).username, "anna");
  EXPECT_EQ(dovecot::parse_answer("OK\t2\tuser=anna", 1).kind, K::other);
  EXPECT_EQ(dovecot::parse_answer("NOTICE\t1", 1).kind, K::other);
  EXPECT_TRUE(dovecot::parse_answer("OK\t1", 1).temporary);
  EXPECT_EQ(dovecot::parse_answer("CONT\t1\tPDE+", 1).text, "PDE+");
  EXPECT_EQ(dovecot::parse_answer("CONT\t1\t", 1).kind, K::more);
  EXPECT_TRUE(dovecot::parse_answer("CONT\t1\t\x01", 1).temporary);
  EXPECT_FALSE(dovecot::parse_answer("FAIL\t1\tuser=anna", 1).temporary);
  EXPECT_TRUE(dovecot::parse_answer("FAIL\t1\tuser=anna\ttemp", 1).temporary);
  EXPECT_EQ(dovecot::parse_answer("FAIL\t1\treason=no", 1).text, "no");
}

TEST(DovecotEndpoint, ReadsPathsAsPostfixDoes) {
  EXPECT_EQ(dovecot_endpoint("private/auth", "/var/spool/postfix")->address, "/var/spool/postfix/private/auth");
  EXPECT_EQ(dovecot_endpoint("unix:/run/auth", "/q")->address, "/run/auth");
  EXPECT_EQ(dovecot_endpoint("inet:localhost:12345", "/q")->to_string(), "127.0.0.1:12345");
  EXPECT_FALSE(dovecot_endpoint("inet:example.com:1", "/q"));
  EXPECT_FALSE(dovecot_endpoint("", "/q"));
}

// Speaks the auth protocol on one unix socket: CRAM-like two steps, PLAIN by the user's name.
class FakeDovecot {
 public:
  explicit FakeDovecot(const std::string& path) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    WAYPOST_ASSERT(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    WAYPOST_ASSERT(::listen(listener_, 16) == 0);
    thread_ = std::thread([this] { run(); });
  }
  ~FakeDovecot() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

 private:
  void run() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      TestClient peer(fd);
      peer.send("VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tCRAM-MD5\tdictionary\nSPID\t1\nDONE\n");
      converse(peer);
    }
  }

  static void converse(TestClient& peer) {
    std::string text;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(peer.fd(), buffer, sizeof buffer, 0)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(n));
      for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
        if (!reply(peer, text.substr(0, end))) return;
        text.erase(0, end + 1);
      }
    }
  }

  static bool reply(TestClient& peer, const std::string& line) {
    if (line.starts_with("AUTH\t1\tCRAM-MD5")) peer.send("CONT\t1\tPDE+\n");
    if (line.starts_with("CONT\t1\tZ29vZA==")) peer.send("OK\t1\tuser=cram\n");
    if (line.starts_with("CONT\t1\tYmFk")) peer.send("FAIL\t1\tuser=cram\treason=Password mismatch\n");
    if (line.find("resp=" + plain("anna", "secret")) != std::string::npos) peer.send("NOTICE\tx\nOK\t1\tuser=anna\n");
    if (line.find("resp=" + plain("anna", "wrong")) != std::string::npos) peer.send("FAIL\t1\tuser=anna\n");
    return line.find("resp=" + plain("crash", "x")) == std::string::npos;  // hangs up
  }

  int listener_;
  std::thread thread_;
};

std::shared_ptr<DovecotAuthenticator> dovecot_at(const std::string& path, LogSink& log) {
  return DovecotAuthenticator::create({.server = net::Endpoint::unix_path(path), .timeout = std::chrono::seconds{1}},
                                      Log(log, "postfix/smtpd", 1));
}

TEST(DovecotAuthenticator, PassesAuthOn) {
  const TemporaryFolder folder;
  FakeDovecot dovecot(folder.file("auth"));
  TestServer server;
  server.service.settings.protocol.auth_enable = true;
  server.service.authenticator = dovecot_at(folder.file("auth"), server.log);
  TestClient c = server.client();
  c.until("220");
  EXPECT_THAT(c.ask("EHLO c.example", "250"), HasSubstr("AUTH PLAIN CRAM-MD5\r\n"));
  EXPECT_EQ(c.ask("AUTH PLAIN " + plain("anna", "wrong"), "535"),
            "535 5.7.8 Error: authentication failed: (reason unavailable)\r\n");
  EXPECT_TRUE(server.log.contains("SASL PLAIN authentication failed: (reason unavailable), sasl_username=anna"));
  EXPECT_EQ(c.ask("AUTH CRAM-MD5", "334"), "334 PDE+\r\n");
  EXPECT_EQ(c.ask("YmFk", "535"), "535 5.7.8 Error: authentication failed: Password mismatch\r\n");
  EXPECT_THAT(c.ask("AUTH PLAIN " + plain("crash", "x"), "454"),
              StartsWith("454 4.7.0 Temporary authentication failure: Connection lost to authentication server"));
  c.ask("AUTH CRAM-MD5", "334");
  EXPECT_EQ(c.ask("Z29vZA==", "235"), "235 2.7.0 Authentication successful\r\n");
  TestClient other = server.greeted();
  EXPECT_EQ(other.ask("AUTH PLAIN " + plain("anna", "secret"), "235"), "235 2.7.0 Authentication successful\r\n");
}

TEST(DovecotAuthenticator, AServerThatIsAwayOrSilentIsATemporaryFailure) {
  const TemporaryFolder folder;
  TestServer server;
  server.service.settings.protocol.auth_enable = true;
  server.service.authenticator = dovecot_at(folder.file("auth"), server.log);
  {
    TestClient c = server.client();
    c.until("220");
    EXPECT_THAT(c.ask("EHLO c.example", "250"), HasSubstr("AUTH PLAIN LOGIN\r\n"));
    EXPECT_EQ(c.ask("AUTH PLAIN " + plain("anna", "secret"), "454"),
              "454 4.7.0 Temporary authentication failure: Can't connect to authentication server\r\n");
    EXPECT_TRUE(server.log.contains("failed: No such file or directory"));
  }
  FakeDovecot dovecot(folder.file("auth"));
  TestClient c = server.greeted();
  EXPECT_THAT(c.ask("AUTH PLAIN " + plain("silent", "x"), "454"), StartsWith("454 4.7.0"));
  EXPECT_THAT(c.ask("AUTH PLAIN " + plain("anna", "secret"), "235"), EndsWith("successful\r\n"));
}

}  // namespace
}  // namespace waypost::smtp_server
