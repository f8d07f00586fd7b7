#include "tls/policy.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace waypost::tls {
namespace {

TEST(TlsLevel, ParsesEveryNameAndNothingElse) {
  for (const char* name : {"none", "may", "encrypt", "fingerprint", "verify", "secure", "dane", "dane-only"}) {
    const auto level = parse_level(name);
    ASSERT_TRUE(level) << name;
    EXPECT_EQ(level_name(*level), name);
  }
  EXPECT_EQ(parse_level("Encrypt"), Level::encrypt);
  for (const char* bad : {"", "must", "dane only", "encrypt "}) EXPECT_FALSE(parse_level(bad)) << bad;
}

TEST(TlsLevel, KnowsWhatIsMandatoryAndWhatAuthenticates) {
  EXPECT_FALSE(is_mandatory(Level::may));
  EXPECT_TRUE(is_mandatory(Level::encrypt));
  EXPECT_FALSE(is_mandatory(Level::dane));
  EXPECT_FALSE(is_authenticated(Level::encrypt));
  EXPECT_TRUE(is_authenticated(Level::verify));
}

struct ProtocolCase {
  const char* list;
  Protocols expected;
};

TEST(TlsProtocols, ReadsAllForms) {
  const ProtocolCase cases[] = {
      {"", {}},
      {">=TLSv1.2", {TLS1_2_VERSION, 0, 0}},
      {">=TLSv1, <=TLSv1.2", {TLS1_VERSION, TLS1_2_VERSION, 0}},
      {"!SSLv2, !SSLv3", {0, 0, SSL_OP_NO_SSLv3}},
      {"!sslv2:!SSLv3 !TLSv1\t!tlsv1.1", {0, 0, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1}},
      {"TLSv1.2 TLSv1.3", {0, 0, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1}},
      {">=SSLv2", {}},
  };
  for (const ProtocolCase& one : cases) {
    const auto got = parse_protocols(one.list);
    ASSERT_TRUE(got) << one.list << ": " << got.error().text;
    EXPECT_EQ(*got, one.expected) << one.list;
  }
}

TEST(TlsProtocols, RefusesUnknownWordsAndListsThatLeaveNothing) {
  for (const char* bad :
       {"TLSv1.4", ">TLSv1.2", "!", ">=", "SSLv2", ">=TLSv1.3 <=TLSv1.2", "!SSLv3 !TLSv1 !TLSv1.1 !TLSv1.2 !TLSv1.3"}) {
    EXPECT_FALSE(parse_protocols(bad)) << bad;
  }
  EXPECT_EQ(parse_protocols("TLSv9").error().text, "unknown TLS protocol \"TLSv9\"");
}

TEST(TlsCiphers, GradesAndExclusionsMakeAListThatOpensslTakes) {
  SSL_CTX* const context = SSL_CTX_new(TLS_method());
  for (const char* grade : {"high", "medium", "HIGH"}) {
    for (const char* excluded : {"", "RC4, aNULL", "EXPORT:LOW:3DES", "kEDH+aRSA"}) {
      const auto list = cipher_list(grade, excluded);
      ASSERT_TRUE(list);
      EXPECT_EQ(SSL_CTX_set_cipher_list(context, list->c_str()), 1) << *list;
    }
  }
  SSL_CTX_free(context);
}

TEST(TlsCiphers, RefusesOldGradesAndOperators) {
  EXPECT_FALSE(cipher_list("null", ""));
  EXPECT_FALSE(cipher_list("export", ""));
  EXPECT_FALSE(cipher_list("", ""));
  for (const char* bad : {"@SECLEVEL=0", "!RC4", "+RC4", "-RC4", "A;B"}) EXPECT_FALSE(cipher_list("high", bad)) << bad;
}

TEST(SslOptions, AreNamesOrBits) {
  EXPECT_EQ(parse_ssl_options(""), 0U);
  EXPECT_EQ(parse_ssl_options("no_ticket, PRIORITIZE_CHACHA"), SSL_OP_NO_TICKET | SSL_OP_PRIORITIZE_CHACHA);
  EXPECT_EQ(parse_ssl_options("0x4000"), 0x4000U);
  for (const char* bad : {"NO_TICKETS", "0x", "0xzz", "SSL_OP_NO_TICKET"}) EXPECT_FALSE(parse_ssl_options(bad)) << bad;
}

}  // namespace
}  // namespace waypost::tls
