// The DNSSEC verdict: a zone signed here with a key of its own (ECDSA P-256, RFC 6605), served on loopback.
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include <ctime>
#include <memory>

#include <fmt/format.h>

#include "dns/test_server.h"
#include "dns/unbound_resolver.h"
#include "net/sync_wait.h"

namespace waypost::dns {
namespace {

constexpr Type kDnskey{48};
constexpr std::uint16_t kRrsig = 46;
constexpr std::uint8_t kAlgorithm = 13;
constexpr std::uint32_t kTtlS = 300;

std::string wire32(std::uint32_t value) { return wire16(value >> 16) + wire16(value & 0xffff); }

class SignedZone {
 public:
  explicit SignedZone(std::string zone) : zone_(std::move(zone)), key_(EVP_EC_gen("P-256"), EVP_PKEY_free) {
    unsigned char point[65];
    std::size_t length = 0;
    EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &length);
    WAYPOST_ASSERT(length == sizeof point);
    const std::string_view coordinates(reinterpret_cast<const char*>(point) + 1, 64);
    dnskey_ = wire16(257) + std::string{'\x03', static_cast<char>(kAlgorithm)} + std::string(coordinates);
  }

  // RFC 4034 §5.1.4: what a parent, or a trust anchor, says about the zone's key.
  std::string ds() const {
    const std::string signed_part = encode_name(zone_).value() + dnskey_;
    unsigned char digest[32];
    EVP_Digest(signed_part.data(), signed_part.size(), digest, nullptr, EVP_sha256(), nullptr);
    std::string hex;
    for (const unsigned char byte : digest) hex += fmt::format("{:02X}", byte);
    return fmt::format("{}. IN DS {} {} 2 {}", zone_, key_tag(), kAlgorithm, hex);
  }

  TestRecord dnskey() const { return {zone_, static_cast<std::uint16_t>(kDnskey), dnskey_, kTtlS}; }

  // The signature over a set of one record, RFC 4034 §3.1.8.1.
  TestRecord signature(const TestRecord& record) const {
    const auto now = static_cast<std::uint32_t>(std::time(nullptr));
    const std::size_t labels = split(record.owner, ".").size();
    std::string data = wire16(record.type) + std::string{static_cast<char>(kAlgorithm), static_cast<char>(labels)};
    data += wire32(record.ttl_s) + wire32(now + 86'400) + wire32(now - 86'400) + wire16(key_tag());
    data += encode_name(zone_).value();
    std::string covered = data + encode_name(record.owner).value() + wire16(record.type) + wire16(1);
    covered += wire32(record.ttl_s) + wire16(static_cast<unsigned>(record.data.size())) + record.data;
    return {record.owner, kRrsig, data + sign(covered), record.ttl_s};
  }

 private:
  // RFC 4034, appendix B.
  std::uint16_t key_tag() const {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < dnskey_.size(); ++i) {
      const auto byte = static_cast<unsigned char>(dnskey_[i]);
      sum += i % 2 == 0 ? static_cast<std::uint32_t>(byte) << 8 : byte;
    }
    return static_cast<std::uint16_t>(sum + (sum >> 16));
  }

  // r and s, 32 bytes each (RFC 6605 §4).
  std::string sign(const std::string& bytes) const {
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    unsigned char der[128];
    std::size_t length = sizeof der;
    EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get());
    WAYPOST_ASSERT(EVP_DigestSign(context.get(), der, &length, reinterpret_cast<const unsigned char*>(bytes.data()),
                                  bytes.size()) == 1);
    const unsigned char* cursor = der;
    ECDSA_SIG* const signature = d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(length));
    unsigned char out[64];
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32);
    ECDSA_SIG_free(signature);
    return {reinterpret_cast<const char*>(out), sizeof out};
  }

  std::string zone_;
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
  std::string dnskey_;
};

class DnssecTest : public testing::Test {
 protected:
  DnssecTest() {
    thread_.start();
    server_.answer("signed.test", kDnskey, {zone_.dnskey(), zone_.signature(zone_.dnskey())});
  }
  ~DnssecTest() override { thread_.stop(); }

  Answer lookup(const std::string& name) {
    UnboundResolver resolver(
        {.servers = {server_.where()}, .trust_anchors = {zone_.ds()}, .transparent_zones = {"test."}});
    const MonoTime deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    return net::sync_wait(thread_, resolver.lookup(name, Type::a, deadline));
  }

  TestDnsServer server_;
  net::IoThread thread_{0};
  SignedZone zone_{"signed.test"};
};

TEST_F(DnssecTest, AProperlySignedAnswerIsSecure) {
  const TestRecord address = a_record("host.signed.test", "192.0.2.1");
  server_.answer("host.signed.test", Type::a, {address, zone_.signature(address)});
  const Answer answer = lookup("host.signed.test");
  EXPECT_EQ(answer.status, Status::ok);
  EXPECT_TRUE(answer.secure);
  EXPECT_EQ(answer.addresses, std::vector<std::string>{"192.0.2.1"});
}

TEST_F(DnssecTest, AnAnswerThatItsSignatureDoesNotCoverIsBogus) {
  const TestRecord address = a_record("host.signed.test", "192.0.2.1");
  server_.answer("host.signed.test", Type::a, {a_record("host.signed.test", "192.0.2.66"), zone_.signature(address)});
  const Answer answer = lookup("host.signed.test");
  EXPECT_EQ(answer.status, Status::bogus);
  EXPECT_TRUE(answer.addresses.empty());
}

TEST_F(DnssecTest, OutsideTheSignedZoneNothingIsSecure) {
  server_.answer("host.other.test", Type::a, {a_record("host.other.test", "192.0.2.1")});
  const Answer answer = lookup("host.other.test");
  EXPECT_EQ(answer.status, Status::ok);
  EXPECT_FALSE(answer.secure);
}

}  // namespace
}  // namespace waypost::dns
