// Client and server contexts against each other, over an in-memory connection.
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>

#include "tls/client_context.h"
#include "tls/peer.h"
#include "tls/server_context.h"
#include "tls/session_cache.h"
#include "tls/test_certificates.h"

namespace waypost::tls {
namespace {

using SslPtr = std::unique_ptr<SSL, decltype(&SSL_free)>;

struct Connected {
  SslPtr server{nullptr, SSL_free};
  SslPtr client{nullptr, SSL_free};
  bool ok = false;
};

// Handshake, one byte each way (which brings TLS 1.3 tickets), close_notify both ways.
Connected connect(const ServerContext& server, const ClientContext& client, const ClientHello& hello = {}) {
  Connected both;
  both.server.reset(server.new_session().value());
  both.client.reset(client.new_session(hello).value());
  BIO* near = nullptr;
  BIO* far = nullptr;
  BIO_new_bio_pair(&near, 1 << 16, &far, 1 << 16);
  SSL_set_bio(both.server.get(), near, near);
  SSL_set_bio(both.client.get(), far, far);
  SSL_set_accept_state(both.server.get());
  SSL_set_connect_state(both.client.get());
  bool server_done = false;
  bool client_done = false;
  for (int i = 0; i < 20 && !(server_done && client_done); ++i) {
    client_done = SSL_do_handshake(both.client.get()) == 1;
    server_done = SSL_do_handshake(both.server.get()) == 1;
  }
  both.ok = server_done && client_done;
  if (both.ok) {
    char byte = 'x';
    SSL_write(both.server.get(), &byte, 1);
    SSL_read(both.client.get(), &byte, 1);
    SSL_write(both.client.get(), &byte, 1);
    SSL_read(both.server.get(), &byte, 1);
    SSL_shutdown(both.client.get());
    SSL_shutdown(both.server.get());
  }
  ERR_clear_error();
  return both;
}

class ContextTest : public testing::Test {
 protected:
  ServerSettings server_settings(const TestCertificateOptions& options) {
    const TestCertificate files = authority_.issue("server", options);
    return {.certificates = {.cert_file = files.cert_file, .key_file = files.key_file}};
  }
  std::shared_ptr<const ServerContext> server(const TestCertificateOptions& options) {
    return ServerContext::create(server_settings(options)).value();
  }
  std::shared_ptr<const ClientContext> client(ClientSettings settings = {}) {
    if (settings.ca_file.empty()) settings.ca_file = authority_.ca_file();
    return ClientContext::create(settings).value();
  }

  TestAuthority authority_;
};

const std::vector<std::string> kMx{"mx.example.com"};

TEST_F(ContextTest, AGoodChainWithTheRightNameIsVerified) {
  const auto both = connect(*server({.dns_names = {"mx.example.com"}}), *client());
  ASSERT_TRUE(both.ok);
  const PeerStatus peer = inspect_peer(both.client.get(), kMx);
  EXPECT_TRUE(peer.presented);
  EXPECT_TRUE(peer.trusted) << peer.verify_error;
  EXPECT_EQ(peer.name_matched, "mx.example.com");
  EXPECT_EQ(peer.issuer_cn, "Test CA");
  EXPECT_EQ(peer.subject_cn, "localhost");
  EXPECT_EQ(peer.fingerprint.size(), 32 * 3 - 1U);
  EXPECT_EQ(trust_word(trust_of(peer, peer.verified())), "Verified");
  EXPECT_EQ(trust_word(trust_of(peer, false)), "Trusted");
}

TEST_F(ContextTest, AnUnknownAuthorityEndsUntrustedButConnected) {
  const TestAuthority other("Other CA");
  const auto both = connect(*server({.dns_names = {"mx.example.com"}}), *client({.ca_file = other.ca_file()}));
  ASSERT_TRUE(both.ok);
  const PeerStatus peer = inspect_peer(both.client.get(), kMx);
  EXPECT_FALSE(peer.trusted);
  EXPECT_FALSE(peer.verified());
  EXPECT_EQ(peer.verify_error, "untrusted issuer Test CA");
  EXPECT_EQ(trust_word(trust_of(peer, peer.verified())), "Untrusted");
}

TEST_F(ContextTest, AnExpiredCertificateIsUntrusted) {
  const auto both = connect(*server({.dns_names = {"mx.example.com"}, .valid_until_s = -60}), *client());
  ASSERT_TRUE(both.ok);
  EXPECT_EQ(inspect_peer(both.client.get(), kMx).verify_error, "certificate has expired");
}

TEST_F(ContextTest, AWrongNameIsTrustedButNotVerified) {
  const auto both = connect(*server({.common_name = "mx.example.com", .dns_names = {"mx.example.net"}}), *client());
  ASSERT_TRUE(both.ok);
  const PeerStatus peer = inspect_peer(both.client.get(), kMx);
  EXPECT_TRUE(peer.trusted);
  EXPECT_EQ(peer.name_matched, "");  // the CN does not count beside DNS names
}

TEST_F(ContextTest, AnAddressIsMatchedAsAWhole) {
  const auto both = connect(*server({.dns_names = {"mx.example.net"}, .addresses = {"127.0.0.1", "::1"}}), *client());
  ASSERT_TRUE(both.ok);
  const auto matched = [&](const std::string& pattern) {
    return inspect_peer(both.client.get(), std::vector{pattern}).name_matched;
  };
  EXPECT_EQ(matched("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(matched("0:0::1"), "0:0::1");
  for (const auto* other : {"127.0.0.2", ".0.0.1", "127.0.0.1.", "::2", ""}) EXPECT_EQ(matched(other), "") << other;
}

TEST_F(ContextTest, TheCommonNameCountsWhenThereAreNoDnsNames) {
  const auto both = connect(*server({.common_name = "mx.example.com"}), *client());
  ASSERT_TRUE(both.ok);
  EXPECT_TRUE(inspect_peer(both.client.get(), kMx).verified());
}

TEST_F(ContextTest, FingerprintsMatchWithAndWithoutColons) {
  const auto both = connect(*server({}), *client());
  const PeerStatus peer = inspect_peer(both.client.get());
  std::string plain = peer.key_fingerprint;
  std::erase(plain, ':');
  EXPECT_TRUE(fingerprint_matches(peer, std::vector<std::string>{"00:11", peer.fingerprint}));
  EXPECT_TRUE(fingerprint_matches(peer, std::vector<std::string>{plain}));
  EXPECT_FALSE(fingerprint_matches(peer, std::vector<std::string>{"", "00"}));
  EXPECT_FALSE(fingerprint_matches(inspect_peer(both.client.get(), {}, "no-such"), std::vector<std::string>{""}));
}

TEST_F(ContextTest, DescribesTheSessionAsPostfixDoes) {
  const auto rsa = connect(*server({.rsa = true}), *client());
  const std::string expected =
      "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 "
      "bits) server-digest SHA256";
  EXPECT_EQ(describe(rsa.client.get()), expected);
  EXPECT_EQ(describe(rsa.server.get()), expected);
  const auto ec = connect(*server({}), *client());
  EXPECT_EQ(describe(ec.client.get()),
            "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature ECDSA "
            "(prime256v1) server-digest SHA256");
  const auto old = connect(*server({.rsa = true}), *client({.protocols = "<=TLSv1.2"}));
  EXPECT_EQ(describe(old.client.get()), "TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)");
}

TEST_F(ContextTest, ProtocolFloorsAreKeptOnBothSides) {
  auto settings = server_settings({});
  settings.protocols = ">=TLSv1.3";
  const auto strict = ServerContext::create(settings).value();
  EXPECT_FALSE(connect(*strict, *client({.protocols = "<=TLSv1.2"})).ok);
  EXPECT_TRUE(connect(*strict, *client()).ok);
  settings.protocols = "!TLSv1.3";
  EXPECT_FALSE(connect(*ServerContext::create(settings).value(), *client({.protocols = ">=TLSv1.3"})).ok);
}

TEST_F(ContextTest, SessionsAreResumedOnceByTheirKey) {
  for (const char* protocols : {">=TLSv1.3", "<=TLSv1.2"}) {
    const auto accepting = server({.dns_names = {"mx.example.com"}});
    const auto opening = client({.protocols = protocols});
    const ClientHello hello{.server_name = "mx.example.com", .session_key = "example.com/mx.example.com/25/verify"};
    const auto first = connect(*accepting, *opening, hello);
    ASSERT_TRUE(first.ok);
    EXPECT_FALSE(inspect_peer(first.client.get()).resumed);
    const auto second = connect(*accepting, *opening, hello);
    ASSERT_TRUE(second.ok);
    const PeerStatus peer = inspect_peer(second.client.get(), kMx);
    EXPECT_TRUE(peer.resumed) << protocols;
    EXPECT_TRUE(peer.verified()) << peer.verify_error;  // what was proven stays with the session
    EXPECT_EQ(SSL_session_reused(second.server.get()), 1);
    const auto other = connect(*accepting, *opening, {.session_key = "another"});
    EXPECT_FALSE(inspect_peer(other.client.get()).resumed);
    const auto none = connect(*accepting, *opening, {});
    EXPECT_FALSE(inspect_peer(none.client.get()).resumed);
  }
}

TEST_F(ContextTest, AnUntrustedSessionStaysUntrustedWhenResumed) {
  const TestAuthority other("Other CA");
  const auto accepting = server({});
  const auto opening = client({.ca_file = other.ca_file()});
  connect(*accepting, *opening, {.session_key = "k"});
  const auto second = connect(*accepting, *opening, {.session_key = "k"});
  const PeerStatus peer = inspect_peer(second.client.get());
  EXPECT_TRUE(peer.resumed);
  EXPECT_FALSE(peer.trusted);
}

TEST_F(ContextTest, AReloadTakesTheNewCertificateAndKeepsTickets) {
  const auto settings = server_settings({.common_name = "old.example.com"});
  const auto before = ServerContext::create(settings).value();
  const auto opening = client();
  connect(*before, *opening, {.session_key = "k"});
  authority_.issue("server", {.common_name = "new.example.com"});
  const auto after = ServerContext::create(settings, before.get()).value();
  EXPECT_TRUE(inspect_peer(connect(*after, *opening, {.session_key = "k"}).client.get()).resumed);
  EXPECT_EQ(inspect_peer(connect(*after, *opening).client.get()).subject_cn, "new.example.com");
  EXPECT_EQ(inspect_peer(connect(*before, *opening).client.get()).subject_cn, "old.example.com");
}

TEST_F(ContextTest, SendsTheServerNameButNoAddressLiteral) {
  const auto accepting = server({});
  const auto named = connect(*accepting, *client(), {.server_name = "mx.example.com"});
  EXPECT_STREQ(SSL_get_servername(named.server.get(), TLSEXT_NAMETYPE_host_name), "mx.example.com");
  const auto literal = connect(*accepting, *client(), {.server_name = "192.0.2.1"});
  EXPECT_EQ(SSL_get_servername(literal.server.get(), TLSEXT_NAMETYPE_host_name), nullptr);
}

TEST_F(ContextTest, AClientCertificateIsAskedForAndJudgedAfterwards) {
  auto settings = server_settings({});
  settings.ask_client_certificate = true;
  settings.ca_file = authority_.ca_file();
  const auto asking = ServerContext::create(settings).value();
  const auto without = connect(*asking, *client());
  ASSERT_TRUE(without.ok);
  EXPECT_EQ(trust_word(trust_of(inspect_peer(without.server.get()), false)), "Anonymous");
  const TestCertificate ours = authority_.issue("client", {.common_name = "relay.example.com"});
  const auto with =
      connect(*asking, *client({.certificates = {.cert_file = ours.cert_file, .key_file = ours.key_file}}));
  ASSERT_TRUE(with.ok);
  const PeerStatus peer = inspect_peer(with.server.get());
  EXPECT_TRUE(peer.trusted);
  EXPECT_EQ(peer.subject_cn, "relay.example.com");
  TestAuthority stranger("Stranger CA");
  const TestCertificate theirs = stranger.issue("client", {.common_name = "stranger"});
  const auto bad =
      connect(*asking, *client({.certificates = {.cert_file = theirs.cert_file, .key_file = theirs.key_file}}));
  ASSERT_TRUE(bad.ok);
  EXPECT_FALSE(inspect_peer(bad.server.get()).trusted);
}

TEST_F(ContextTest, ErrorsNameTheFileAndTheReason) {
  const auto none = ServerContext::create({});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
  EXPECT_EQ(none.error().text, "No server certs available. TLS won't be enabled");
  EXPECT_FALSE(ServerContext::create({.certificates = {.cert_file = "none"}}));
  const auto missing = ServerContext::create({.certificates = {.cert_file = "/nonexistent/cert.pem"}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().text,
            "cannot get certificate from file \"/nonexistent/cert.pem\": No such file or directory");
  const auto no_ca = ClientContext::create({.ca_file = "/nonexistent/ca.pem"});
  ASSERT_FALSE(no_ca);
  EXPECT_EQ(no_ca.error().text,
            "cannot load Certification Authority data, CAfile=/nonexistent/ca.pem: No such file or directory");
}

TEST_F(ContextTest, AKeyThatDoesNotFitIsRefused) {
  const TestCertificate one = authority_.issue("one", {});
  const TestCertificate two = authority_.issue("two", {});
  const auto mixed = ServerContext::create({.certificates = {.cert_file = one.cert_file, .key_file = two.key_file}});
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().code, Errc::io);
  EXPECT_NE(mixed.error().text.find(two.key_file), std::string::npos) << mixed.error().text;
  EXPECT_NE(mixed.error().text.find("key values mismatch"), std::string::npos) << mixed.error().text;
}

void append(const std::string& from, const std::string& to) {
  std::ofstream(to, std::ios::app) << std::ifstream(from).rdbuf();
}

TEST_F(ContextTest, AChainFileHoldsOneOrSeveralKeysWithTheirCertificates) {
  const TestCertificate ec = authority_.issue("ec", {.common_name = "ec.example.com"});
  const TestCertificate rsa = authority_.issue("rsa", {.common_name = "rsa.example.com", .rsa = true});
  const std::string chain = authority_.folder() + "/chain.pem";
  for (const std::string& part : {rsa.key_file, rsa.cert_file, authority_.ca_file(), ec.key_file, ec.cert_file}) {
    append(part, chain);
  }
  const auto context = ServerContext::create({.certificates = {.chain_files = {chain}}});
  ASSERT_TRUE(context) << context.error().text;
  EXPECT_EQ(inspect_peer(connect(**context, *client()).client.get()).subject_cn, "ec.example.com");
  const auto old = connect(**context, *client({.protocols = "<=TLSv1.2", .exclude_ciphers = "aECDSA"}));
  EXPECT_EQ(inspect_peer(old.client.get()).subject_cn, "rsa.example.com");
}

TEST_F(ContextTest, ADamagedChainFileIsRefused) {
  const TestCertificate one = authority_.issue("one", {});
  const std::string chain = authority_.folder() + "/chain.pem";
  const auto reason = [&](const std::vector<std::string>& parts) {
    std::filesystem::remove(chain);
    for (const std::string& part : parts) append(part, chain);
    const auto context = ServerContext::create({.certificates = {.chain_files = {chain}}});
    return context ? "accepted" : context.error().text;
  };
  const std::string start = "cannot use key and certificates in file \"" + chain + "\": ";
  EXPECT_EQ(reason({}), start + "No such file or directory");
  EXPECT_EQ(reason({one.cert_file, one.key_file}), start + "the private key must come first");
  EXPECT_EQ(reason({one.key_file}), start + "a key has no certificate after it");
  EXPECT_EQ(reason({one.key_file, authority_.ca_file()}), start + "private key mismatch");
  EXPECT_EQ(reason({one.key_file, one.cert_file}), "accepted");
  std::filesystem::resize_file(one.cert_file, std::filesystem::file_size(one.cert_file) - 40);
  EXPECT_NE(reason({one.key_file, one.cert_file}), "accepted");
}

TEST(NameMatch, FollowsPatternsAndWildcards) {
  struct Case {
    const char* certificate;
    const char* pattern;
    bool matches;
  };
  const Case cases[] = {
      {"mx.example.com", "MX.example.com", true},
      {"mx.example.com.", "mx.example.com", true},
      {"mx.example.com", "example.com", false},
      {"*.example.com", "mx.example.com", true},
      {"*.example.com", "a.mx.example.com", false},
      {"*.example.com", "example.com", false},
      {"*.example.com", ".example.com", true},
      {"mx.example.com", ".example.com", true},
      {"a.mx.example.com", ".example.com", true},
      {"example.com", ".example.com", false},
      {"badexample.com", ".example.com", false},
      {"*.com", "example.com", false},
      {"m*.example.com", "mx.example.com", false},
      {"*", "com", false},
      {"", "", false},
      {"*.example.com", "*.example.com", true},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(name_matches(one.certificate, one.pattern), one.matches) << one.certificate << " ~ " << one.pattern;
  }
}

TEST(NameMatch, StrategiesBecomePatterns) {
  EXPECT_EQ(expand_match(std::vector<std::string>{"nexthop", "dot-nexthop"}, "mx.example.com", "example.com"),
            (std::vector<std::string>{"example.com", ".example.com"}));
  EXPECT_EQ(expand_match(std::vector<std::string>{"hostname", "other.example.net"}, "mx.example.com", "example.com"),
            (std::vector<std::string>{"mx.example.com", "other.example.net"}));
}

TEST(SessionCache, DropsTheOldestAtItsLimitAndWhatIsTooOld) {
  SSL_CTX* const context = SSL_CTX_new(TLS_method());
  const auto session = [&] { return SessionPtr(SSL_SESSION_new()); };
  SessionCache cache(2, std::chrono::seconds{60});
  cache.put("a", session());
  cache.put("b", session());
  cache.put("a", session());  // renewed: b is the oldest now
  EXPECT_EQ(cache.size(), 2U);
  cache.put("c", session());
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_FALSE(cache.take("b"));
  cache.take("a");
  EXPECT_EQ(cache.size(), 1U);
  SSL_CTX_free(context);
}

}  // namespace
}  // namespace waypost::tls
