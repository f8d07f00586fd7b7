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
  settings_.cache.idle_limit = std::chrono::seconds(60);  // however busy the machine is
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

// --- smtp_tls_policy_maps

class TlsPolicyTest : public SecurityTest {
 protected:
  // main.cf says none; this entry is what the destination has.
  void use_policy(const std::string& nexthop, const std::string& entry, bool trusted = true) {
    use_tls(tls::Level::none, trusted);
    use_table("inline:{{" + nexthop + " = " + entry + "}}");
  }
  void use_table(const std::string& table) {
    settings_.tls.policy_maps = tables::TableList(table, registry_);
    if (agent_) agent_->configure(std::make_shared<const ClientSettings>(settings_));
  }
  static constexpr const char* kMisconfigured = "deferred 4.7.5 client TLS configuration problem";
};

TEST_F(TlsPolicyTest, AnEntryStandsInsteadOfMainCf) {
  TestServer without({});
  use_policy(without.nexthop(), "encrypt");
  EXPECT_EQ(outcome(deliver(without.nexthop())),
            "deferred 4.7.4 TLS is required, but was not offered by host 127.0.0.1[127.0.0.1]");
  TestServer server(tls_script());
  use_policy(server.nexthop(), "encrypt");
  agent().configure(std::make_shared<const ClientSettings>(settings_));
  EXPECT_EQ(outcome(deliver(server.nexthop())), kSent);
  EXPECT_TRUE(server.received("STARTTLS"));
  TestServer other(tls_script());
  EXPECT_EQ(outcome(deliver(other.nexthop())), kSent);
  EXPECT_FALSE(other.received("STARTTLS"));
}

TEST_F(TlsPolicyTest, AnEntryMayAskForLess) {
  use_tls(tls::Level::secure, false);
  TestServer server(tls_script());
  use_table("inline:{{" + server.nexthop() + " = none}}");
  EXPECT_EQ(outcome(deliver(server.nexthop())), kSent);
  EXPECT_FALSE(server.received("STARTTLS"));
}

TEST_F(TlsPolicyTest, MatchNamesWhoTheServerMustBe) {
  TestServer server(tls_script({"mx.provider.test"}));
  use_policy(route(server), "secure match=nexthop");
  EXPECT_EQ(outcome(deliver(route(server))), "deferred 4.7.5 Server certificate not verified");
  use_table("inline:{{" + route(server) + " = secure match=nexthop:.provider.test}}");
  EXPECT_EQ(outcome(deliver(route(server))), kSent);
}

TEST_F(TlsPolicyTest, AnchorFilesStandInsteadOfTheAuthorities) {
  TestServer server(tls_script());
  use_policy(route(server), "verify tafile=" + authority_.ca_file(), false);
  EXPECT_EQ(outcome(deliver(route(server))), kSent);
  const tls::TestAuthority stranger;
  use_tls(tls::Level::none);
  use_table("inline:{{" + route(server) + " = verify tafile=" + stranger.ca_file() + "}}");
  EXPECT_EQ(outcome(deliver(route(server))), "deferred 4.7.5 Server certificate not trusted");
  use_table("inline:{{" + route(server) + " = verify tafile=/nonexistent}}");
  EXPECT_EQ(outcome(deliver(route(server))), kMisconfigured);
  EXPECT_TRUE(log_.contains("cannot use trust anchors in file \"/nonexistent\""));
}

TEST_F(TlsPolicyTest, FingerprintsAreThoseOfTheEntry) {
  TestServer server(tls_script());
  use_policy(route(server), "fingerprint match=00:11|22:33");
  EXPECT_EQ(outcome(deliver(route(server))), "deferred 4.7.5 Server certificate not verified");
  use_table("inline:{{" + route(server) + " = fingerprint}}");
  EXPECT_EQ(outcome(deliver(route(server))), kMisconfigured);
  EXPECT_TRUE(log_.contains("configured at fingerprint security level, but with no fingerprints to match"));
}

TEST_F(TlsPolicyTest, ProtocolsAndCiphersAreThoseOfTheEntry) {
  TestServer server(tls_script());
  use_policy(server.nexthop(), "encrypt protocols=TLSv1.2 ciphers=high exclude=AES256");
  EXPECT_EQ(outcome(deliver(server.nexthop())), kSent);
  EXPECT_TRUE(log_.contains(": TLSv1.2 with cipher "));
  EXPECT_FALSE(log_.contains("AES256"));
}

TEST_F(TlsPolicyTest, ADomainAlsoHasItsParentsEntry) {
  TestServer server(tls_script());
  settings_.default_port = std::to_string(server.port());
  resolver_.address("mail.sub.example.test", "127.0.0.1");
  use_policy(".example.test", "encrypt");
  EXPECT_EQ(outcome(deliver("mail.sub.example.test")), kSent);
  EXPECT_TRUE(server.received("STARTTLS"));
  // Neither brackets nor a port are a domain: nothing but the exact text is looked up.
  TestServer exact(tls_script());
  EXPECT_EQ(outcome(deliver("[mail.sub.example.test]:" + std::to_string(exact.port()))), kSent);
  EXPECT_FALSE(exact.received("STARTTLS"));
}

TEST_F(TlsPolicyTest, ABrokenEntryOrTableStopsTheMail) {
  TestServer server(tls_script());
  const char* entries[] = {"always", "encrypt match=x", "encrypt ciphers=best", "may protocols=SSLv9",
                           "dane",   "dane-only"};
  for (const auto* entry : entries) {
    use_policy(server.nexthop(), entry);
    agent().configure(std::make_shared<const ClientSettings>(settings_));
    EXPECT_EQ(outcome(deliver(server.nexthop())), kMisconfigured) << entry;
  }
  use_table("hash:/nonexistent/policy");
  EXPECT_EQ(outcome(deliver(server.nexthop())), kMisconfigured);
  EXPECT_FALSE(server.received("MAIL"));
  EXPECT_TRUE(log_.contains("invalid security level \"always\""));
  EXPECT_TRUE(log_.contains("security level dane is not supported yet"));
  EXPECT_TRUE(log_.contains("policy table lookup error"));
  EXPECT_TRUE(
      log_.contains("TLS policy lookup for " + server.nexthop() + "/127.0.0.1: client TLS configuration problem"));
}

TEST_F(TlsPolicyTest, WrapperModeNeedsAMandatoryLevel) {
  use_tls(tls::Level::may);
  settings_.tls.wrapper_mode = true;
  TestServer server({});
  EXPECT_EQ(outcome(deliver(server.nexthop())), kMisconfigured);
}

TEST_F(TlsPolicyTest, ConnectionsAreNotKeptWhereTheEntrySaysSo) {
  TestServer server(tls_script());
  use_policy(server.nexthop(), "encrypt connection_reuse=no");
  more_waiting_ = true;
  deliver(server.nexthop());
  deliver(server.nexthop());
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(TlsPolicyTest, TheDeliveryLineTellsWhatBecameOfTheLevel) {
  settings_.tls.log_status = true;
  TestServer plain({});
  use_policy(plain.nexthop(), "may");
  deliver(plain.nexthop());
  EXPECT_TRUE(log_.contains(", tls=may:none, dsn=2.0.0"));
  use_table("inline:{{" + plain.nexthop() + " = encrypt}}");
  deliver(plain.nexthop());
  EXPECT_TRUE(log_.contains(", tls=!encrypt, dsn=4.7.4"));
  TestServer server(tls_script());
  use_table("inline:{{" + server.nexthop() + " = may}}");
  deliver(server.nexthop());
  EXPECT_TRUE(log_.contains(", tls=may, dsn=2.0.0"));
  use_table("inline:{{[127.0.0.1]:1 = encrypt}}");
  deliver("[127.0.0.1]:1");
  EXPECT_TRUE(log_.contains("relay=none") && log_.contains(", tls=encrypt?, dsn=4.4.1"));
}

}  // namespace
}  // namespace waypost::smtp_client
