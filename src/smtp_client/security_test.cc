#include <gtest/gtest.h>

#include "smtp_client/agent_fixture.h"
#include "smtp_client/credentials.h"
#include "tables/registry.h"

namespace waypost::smtp_client {
namespace {

constexpr const char* kSent = "sent 2.0.0 250 2.0.0 Ok: queued as TEST";

class SecurityTest : public AgentFixture {
 protected:
  SecurityTest() { settings_.tls.log_level = 1; }

  void use_tls(tls::Level level, bool trusted = true) {
    tls::ClientSettings client;
    if (trusted) client.ca_file = authority_.ca_file();
    const auto context = tls::ClientContext::create(client);
    ASSERT_TRUE(context) << context.error().text;
    settings_.tls.level = level;
    settings_.tls.opportunistic = settings_.tls.mandatory = *context;
  }
  ServerScript tls_script(std::vector<std::string> names = {"mx.test"}, long valid_until_s = 86'400) {
    ServerScript script;
    script.keywords = {"PIPELINING", "STARTTLS", "AUTH PLAIN LOGIN"};
    script.certificate =
        authority_.issue("server", {.common_name = names[0], .dns_names = names, .valid_until_s = valid_until_s});
    return script;
  }
  std::string route(const TestServer& server) {
    resolver_.address("mx.test", "127.0.0.1");
    return "[mx.test]:" + std::to_string(server.port());
  }
  void use_password(std::string_view table) {
    settings_.sasl.enabled = true;
    settings_.sasl.options = settings_.sasl.tls_options = settings_.sasl.tls_verified_options = {.noanonymous = true};
    settings_.sasl.password_maps = tables::TableList(table, registry_);
  }

  tls::TestAuthority authority_;
  tables::TableRegistry registry_{Log(log_, "postfix/smtp", 1), clock_};
};

TEST_F(SecurityTest, OptionalTlsEncryptsWithWhomeverItMeets) {
  use_tls(tls::Level::may, false);
  TestServer server(tls_script({"other.test"}));
  EXPECT_EQ(outcome(deliver(route(server))), kSent);
  EXPECT_TRUE(server.received("STARTTLS"));
  EXPECT_TRUE(log_.contains("Untrusted TLS connection established to mx.test[127.0.0.1]:"));
}

TEST_F(SecurityTest, RequiredTlsNeverGoesInClear) {
  use_tls(tls::Level::encrypt);
  TestServer without({});
  EXPECT_EQ(outcome(deliver(without.nexthop())),
            "deferred 4.7.4 TLS is required, but was not offered by host 127.0.0.1[127.0.0.1]");
  EXPECT_FALSE(without.received("MAIL"));
  auto refusing = tls_script();
  refusing.starttls = "454 4.7.0 not now";
  TestServer server(refusing);
  EXPECT_EQ(outcome(deliver(server.nexthop())),
            "deferred 4.7.0 TLS is required, but host 127.0.0.1[127.0.0.1] refused to start TLS: 454 4.7.0 not now");
  EXPECT_FALSE(server.received("MAIL"));
}

TEST_F(SecurityTest, EncryptTakesAnyCertificate) {
  use_tls(tls::Level::encrypt);
  TestServer server(tls_script({"other.test"}));
  EXPECT_EQ(outcome(deliver(route(server))), kSent);
  EXPECT_TRUE(log_.contains("Trusted TLS connection established to mx.test[127.0.0.1]:"));
}

TEST_F(SecurityTest, VerifyWantsTrustAndTheHostsName) {
  use_tls(tls::Level::verify);
  TestServer good(tls_script());
  EXPECT_EQ(outcome(deliver(route(good))), kSent);
  EXPECT_TRUE(log_.contains("Verified TLS connection established to mx.test[127.0.0.1]:"));
  TestServer wrong_name(tls_script({"other.test"}));
  EXPECT_EQ(outcome(deliver(route(wrong_name))), "deferred 4.7.5 Server certificate not verified");
  TestServer expired(tls_script({"mx.test"}, -60));
  EXPECT_EQ(outcome(deliver(route(expired))), "deferred 4.7.5 Server certificate not trusted");
  EXPECT_TRUE(log_.contains("certificate verification failed for mx.test[127.0.0.1]:"));
  EXPECT_FALSE(wrong_name.received("MAIL") || expired.received("MAIL"));
}

TEST_F(SecurityTest, AnUnknownAuthorityIsNotTrusted) {
  use_tls(tls::Level::secure, false);
  TestServer server(tls_script());
  EXPECT_EQ(outcome(deliver(route(server))), "deferred 4.7.5 Server certificate not trusted");
}

TEST_F(SecurityTest, AFailedHandshakeDefersFirstAndGoesInClearLater) {
  use_tls(tls::Level::may);
  auto script = tls_script();
  script.certificate = {"/nonexistent", "/nonexistent"};
  TestServer server(script);
  EXPECT_EQ(outcome(deliver(server.nexthop())), "deferred 4.7.5 Cannot start TLS: handshake failure");
  age_ = std::chrono::seconds(600);
  EXPECT_EQ(outcome(deliver(server.nexthop())), kSent);
  use_tls(tls::Level::encrypt);
  agent().configure(std::make_shared<const ClientSettings>(settings_));
  EXPECT_EQ(outcome(deliver(server.nexthop())), "deferred 4.7.5 Cannot start TLS: handshake failure");
}

TEST_F(SecurityTest, NoContextMeansNoDeliveryAtAMandatoryLevel) {
  settings_.tls.level = tls::Level::encrypt;
  TestServer server(tls_script());
  EXPECT_EQ(outcome(deliver(server.nexthop())), "deferred 4.7.5 TLS is required, but our TLS engine is unavailable");
}

TEST_F(SecurityTest, WrapperModeSpeaksTlsFirst) {
  use_tls(tls::Level::encrypt);
  settings_.tls.wrapper_mode = true;
  auto script = tls_script();
  script.immediate_tls = true;
  script.keywords = {"PIPELINING"};
  TestServer server(script);
  EXPECT_EQ(outcome(deliver(server.nexthop())), kSent);
  EXPECT_FALSE(server.received("STARTTLS"));
}

TEST_F(SecurityTest, TlsConnectionsAreKeptToo) {
  use_tls(tls::Level::encrypt);
  TestServer server(tls_script());
  more_waiting_ = true;
  deliver(server.nexthop());
  EXPECT_EQ(outcome(deliver(server.nexthop())), kSent);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(SecurityTest, NotesUnusedStarttls) {
  settings_.tls.note_starttls_offer = true;
  TestServer server(tls_script());
  deliver(route(server));
  EXPECT_TRUE(log_.contains("Host offered STARTTLS: [mx.test]"));
}

TEST_F(SecurityTest, AuthenticatesWithTheHostsPasswordThenTheNexthops) {
  use_tls(tls::Level::encrypt);
  TestServer server(tls_script());
  const auto nexthop = route(server);
  use_password("inline:{{" + nexthop + " = nexthop:x}, mx.test=host:y:z}");
  EXPECT_EQ(outcome(deliver(nexthop)), kSent);
  EXPECT_TRUE(server.received("AUTH PLAIN AGhvc3QAeTp6"));  // \0host\0y:z
  use_password("inline:{{" + nexthop + " = nexthop:x}}");
  agent().configure(std::make_shared<const ClientSettings>(settings_));
  deliver(nexthop);
  EXPECT_TRUE(server.received("AUTH PLAIN AG5leHRob3AAeA=="));  // \0nexthop\0x
  EXPECT_FALSE(log_.contains("y:z"));
}

TEST_F(SecurityTest, StrangersAreTalkedToWithoutAuth) {
  use_password("inline:{nobody=a:b}");
  TestServer server(tls_script());
  EXPECT_EQ(outcome(deliver(server.nexthop())), kSent);
  EXPECT_FALSE(server.received("AUTH"));
}

TEST_F(SecurityTest, WrongCredentialsDefer) {
  use_password("static:u:p");
  auto script = tls_script();
  script.auth = "535 5.7.8 wrong";
  TestServer server(script);
  const auto report = deliver(server.nexthop());
  EXPECT_EQ(outcome(report),
            "deferred 4.7.8 SASL authentication failed; server 127.0.0.1[127.0.0.1] said: 535 5.7.8 wrong");
  EXPECT_EQ(report.health, delivery::LaneHealth::site_failure);
  EXPECT_FALSE(server.received("MAIL"));
  settings_.failures.sasl_auth_soft_bounce = false;
  agent().configure(std::make_shared<const ClientSettings>(settings_));
  EXPECT_EQ(deliver(server.nexthop()).outcomes.at(0).status, delivery::Status::bounced);
}

TEST_F(SecurityTest, NoMechanismDefers) {
  use_password("static:u:p");
  settings_.sasl.options = {.noplaintext = true};
  TestServer server(tls_script());
  EXPECT_EQ(outcome(deliver(server.nexthop())),
            "deferred 4.7.0 SASL authentication failed; cannot authenticate to server 127.0.0.1[127.0.0.1]: no "
            "mechanism available");
}

TEST_F(SecurityTest, ABrokenPasswordTableDefers) {
  use_password("hash:/nonexistent/passwords");
  TestServer server(tls_script());
  EXPECT_EQ(deliver(server.nexthop()).outcomes.at(0).status, delivery::Status::deferred);
  EXPECT_FALSE(server.received("MAIL"));
}

TEST(Credentials, SplitAtTheFirstDelimiter) {
  const auto credentials = parse_credentials("user:pass:word", ':');
  EXPECT_EQ(credentials.user, "user");
  EXPECT_EQ(credentials.password.reveal(), "pass:word");
  EXPECT_TRUE(parse_credentials("user", ':').password.empty());
}

}  // namespace
}  // namespace waypost::smtp_client
