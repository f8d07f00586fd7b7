#include "smtp_client/tls_policy.h"

#include <gtest/gtest.h>

namespace waypost::smtp_client {
namespace {

TEST(TlsPolicyEntry, ReadsLevelAndAttributes) {
  const auto entry = parse_tls_policy(
      "secure match=.example.com:hostname match=mx.example.net, ciphers=high protocols=>=TLSv1.3 exclude=RC4 "
      "tafile=/a.pem tafile=/b.pem servername=hostname connection_reuse=no { policy_string = version: STSv1 } "
      "policy_type=sts mx_host_pattern=*.example.com");
  ASSERT_TRUE(entry) << entry.error().text;
  EXPECT_EQ(entry->level, tls::Level::secure);
  EXPECT_EQ(entry->match, (std::vector<std::string>{".example.com", "hostname", "mx.example.net"}));
  EXPECT_EQ(entry->ciphers, "high");
  EXPECT_EQ(entry->protocols, ">=TLSv1.3");
  EXPECT_EQ(entry->exclude, "RC4");
  EXPECT_EQ(entry->trust_anchor_files, (std::vector<std::string>{"/a.pem", "/b.pem"}));
  EXPECT_EQ(entry->server_name, "hostname");
  EXPECT_EQ(entry->connection_reuse, false);
}

TEST(TlsPolicyEntry, FingerprintsKeepTheirColons) {
  const auto entry = parse_tls_policy("fingerprint match=AA:BB|CC:DD match=EE");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->match, (std::vector<std::string>{"AA:BB", "CC:DD", "EE"}));
}

TEST(TlsPolicyEntry, NothingBelongsToLevelNone) {
  const auto entry = parse_tls_policy("NONE match=x ciphers");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->ignored, (std::vector<std::string>{"match=x", "ciphers"}));
}

TEST(TlsPolicyEntry, WhatCannotBeHonouredIsAnError) {
  struct Case {
    std::string_view text, error;
  };
  constexpr Case cases[] = {
      {"", "invalid empty policy"},
      {" , ", "invalid empty policy"},
      {"always", "invalid security level \"always\""},
      {"encrypt match=x", "attribute \"match\" invalid at security level \"encrypt\""},
      {"encrypt tafile=/x", "attribute \"tafile\" invalid at security level \"encrypt\""},
      {"fingerprint tafile=/x", "attribute \"tafile\" invalid at security level \"fingerprint\""},
      {"dane match=x", "attribute \"match\" invalid at security level \"dane\""},
      {"secure match=", "attribute \"match\" has empty value"},
      {"may ciphers=", "attribute \"ciphers\" has empty value"},
      {"may ciphers=high ciphers=medium", "attribute \"ciphers\" is specified multiple times"},
      {"may protocols=TLSv1.2 protocols=TLSv1.3", "attribute \"protocols\" is specified multiple times"},
      {"may servername=-x-", "\"servername=-x-\" specifies an invalid hostname"},
      {"may connection_reuse=maybe", "attribute \"connection_reuse\" has bad value: \"maybe\""},
      {"may high", "malformed attribute/value pair \"high\""},
      {"may =high", "malformed attribute/value pair \"=high\""},
      {"may cipher=high", "invalid attribute name: \"cipher\""},
  };
  for (const auto& one : cases) {
    const auto entry = parse_tls_policy(one.text);
    ASSERT_FALSE(entry) << one.text;
    EXPECT_EQ(entry.error().text, one.error);
  }
}

}  // namespace
}  // namespace waypost::smtp_client
