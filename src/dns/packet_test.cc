#include "dns/packet.h"

#include <gtest/gtest.h>

#include "dns/test_server.h"

namespace waypost::dns {
namespace {

std::string response(std::string_view name, Type type, const std::vector<TestRecord>& records, unsigned rcode = 0) {
  return make_response(make_query(7, name, type).value(), rcode, records);
}

Answer parse(std::string_view name, Type type, const std::vector<TestRecord>& records, unsigned rcode = 0) {
  return parse_response(response(name, type, records, rcode), name, type);
}

TEST(DnsPacket, ReadsEveryType) {
  EXPECT_EQ(
      parse("h.example", Type::a, {a_record("h.example", "192.0.2.1"), a_record("h.example", "192.0.2.2")}).addresses,
      (std::vector<std::string>{"192.0.2.1", "192.0.2.2"}));
  EXPECT_EQ(parse("h.example", Type::aaaa, {aaaa_record("h.example", "2001:db8::1")}).addresses,
            std::vector<std::string>{"2001:db8::1"});
  EXPECT_EQ(
      parse("example", Type::mx, {mx_record("example", 10, "Mx1.example"), mx_record("example", 5, "mx2.example")}).mx,
      (std::vector<MxRecord>{{10, "Mx1.example"}, {5, "mx2.example"}}));
  EXPECT_EQ(parse("1.2.0.192.in-addr.arpa", Type::ptr, {ptr_record("1.2.0.192.in-addr.arpa", "h.example")}).names,
            std::vector<std::string>{"h.example"});
  EXPECT_EQ(
      parse("example", Type::txt, {txt_record("example", {"v=spf1 ", "-all"}), txt_record("example", {""})}).texts,
      (std::vector<std::string>{"v=spf1 -all", ""}));
  const TestRecord srv{"_s._tcp.example", 33, wire16(1) + wire16(2) + wire16(465) + encode_name("h.example").value()};
  EXPECT_EQ(parse("_s._tcp.example", Type::srv, {srv}).srv, (std::vector<SrvRecord>{{1, 2, 465, "h.example"}}));
  const TestRecord tlsa{"_25._tcp.example", 52, std::string("\x03\x01\x01") + std::string(32, 'h')};
  EXPECT_EQ(parse("_25._tcp.example", Type::tlsa, {tlsa}).tlsa,
            (std::vector<TlsaRecord>{{3, 1, 1, std::string(32, 'h')}}));
}

TEST(DnsPacket, TellsNullMxFromOthers) {
  const Answer null = parse("example", Type::mx, {mx_record("example", 0, ".")});
  EXPECT_EQ(null.status, Status::ok);
  EXPECT_TRUE(null.is_null_mx());
  EXPECT_FALSE(parse("example", Type::mx, {mx_record("example", 0, "."), mx_record("example", 1, "h")}).is_null_mx());
}

TEST(DnsPacket, FollowsCnamesAndKeepsTheSmallestTtl) {
  auto alias = cname_record("www.example", "Alias.example");
  alias.ttl_s = 60;
  const Answer answer = parse("WWW.example.", Type::a,
                              {a_record("other.example", "192.0.2.9"), alias,
                               cname_record("alias.example", "h.example"), a_record("h.example", "192.0.2.1")});
  EXPECT_EQ(answer.status, Status::ok);
  EXPECT_EQ(answer.addresses, std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(answer.canonical_name, "h.example");
  EXPECT_EQ(answer.ttl_s, 60U);
}

TEST(DnsPacket, CnameCirclesAreMalformed) {
  EXPECT_EQ(
      parse("a.example", Type::a, {cname_record("a.example", "b.example"), cname_record("b.example", "a.example")})
          .status,
      Status::malformed);
}

TEST(DnsPacket, TellsTheKindsOfFailureApart) {
  const Answer none = parse("example", Type::mx, {});
  EXPECT_EQ(none.status, Status::no_data);
  EXPECT_EQ(none.failure,
            "Host or domain name not found. Name service error for name=example type=MX: Host found but no data record "
            "of requested type");
  const Answer missing = parse("example", Type::mx, {}, TestDnsServer::kNxdomain);
  EXPECT_EQ(missing.status, Status::nxdomain);
  EXPECT_EQ(missing.failure,
            "Host or domain name not found. Name service error for name=example type=MX: Host not found");
  const Answer broken = parse("example", Type::aaaa, {}, TestDnsServer::kServfail);
  EXPECT_EQ(broken.status, Status::temporary);
  EXPECT_EQ(broken.failure,
            "Host or domain name not found. Name service error for name=example type=AAAA: Host not found, try again");
}

TEST(DnsPacket, EveryCutOfAMessageIsMalformedAndNothingWorse) {
  const std::string whole = response("example", Type::mx, {mx_record("example", 10, "mx.example")});
  EXPECT_EQ(parse_response(whole, "example", Type::mx).status, Status::ok);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(parse_response(whole.substr(0, i), "example", Type::mx).status, Status::malformed) << i;
  }
}

TEST(DnsPacket, RecordsOfTheWrongSizeAreMalformed) {
  const auto status = [](Type type, std::string data) {
    return parse("h", type, {TestRecord{"h", static_cast<std::uint16_t>(type), std::move(data)}}).status;
  };
  EXPECT_EQ(status(Type::a, "123"), Status::malformed);
  EXPECT_EQ(status(Type::a, "12345"), Status::malformed);
  EXPECT_EQ(status(Type::aaaa, "1234"), Status::malformed);
  EXPECT_EQ(status(Type::mx, wire16(1)), Status::malformed);
  EXPECT_EQ(status(Type::mx, wire16(1) + encode_name("h").value() + "x"), Status::malformed);
  EXPECT_EQ(status(Type::txt,
                   "\x05"
                   "abc"),
            Status::malformed);
  EXPECT_EQ(status(Type::tlsa, "ab"), Status::malformed);
  EXPECT_EQ(status(Type::tlsa, "abc"), Status::ok);
}

// A message whose one record's owner name is `owner` in wire form.
Answer with_owner(std::string owner) {
  std::string message = response("h", Type::a, {});
  message[7] = 1;
  message += owner + wire16(1) + wire16(1) + wire16(0) + wire16(60) + wire16(4) + "abcd";
  return parse_response(message, "h", Type::a);
}

TEST(DnsPacket, CompressionPointersMustGoBack) {
  EXPECT_EQ(with_owner("\xc0\x0c").status, Status::ok);  // the question's name
  const std::size_t here = response("h", Type::a, {}).size();
  for (const std::size_t target : {here, here + 2, here + 20, std::size_t{0x3fff}}) {
    const std::string pointer = wire16(0xc000 | static_cast<unsigned>(target));
    EXPECT_EQ(with_owner(pointer).status, Status::malformed) << target;
  }
  EXPECT_EQ(with_owner(std::string("\x40x\0", 3)).status, Status::malformed);  // a reserved label type
}

TEST(DnsPacket, NamesEndAtTheirLimits) {
  const std::string label(kMaxLabelBytes, 'a');
  EXPECT_TRUE(encode_name(label));
  EXPECT_FALSE(encode_name(label + "a"));
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
  EXPECT_EQ(encode_name(longest)->size(), kMaxNameBytes);
  EXPECT_FALSE(encode_name(longest + "a"));
  for (const char* bad : {"", "..", ".a", "a..b", "a b", "a\\b", "a\tb", "\xc3\xa9"}) {
    EXPECT_FALSE(encode_name(bad)) << bad;
  }
  EXPECT_EQ(encode_name("."), std::string(1, '\0'));
  const std::string longer = longest + "a";
  std::string wire;
  for (const std::string_view part : split(longer, ".")) wire += static_cast<char>(part.size()) + std::string(part);
  EXPECT_EQ(with_owner(wire + std::string(1, '\0')).status, Status::malformed);
}

TEST(DnsPacket, BytesThatHostNamesDoNotHaveAreEscaped) {
  const TestRecord record{"h", 12,
                          std::string("\x03"
                                      "a.b\x02\\\0\0",
                                      8)};
  EXPECT_EQ(parse("h", Type::ptr, {record}).names, std::vector<std::string>{"a\\046b.\\092\\000"});
}

TEST(DnsPacket, MoreRecordsThanTheLimitAreMalformed) {
  std::vector<TestRecord> records(kMaxAnswerRecords, a_record("h", "192.0.2.1"));
  EXPECT_EQ(parse("h", Type::a, records).status, Status::ok);
  records.push_back(records.front());
  EXPECT_EQ(parse("h", Type::a, records).status, Status::malformed);
}

TEST(ReverseName, OfBothFamilies) {
  EXPECT_EQ(reverse_name("192.0.2.1"), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(reverse_name("2001:db8::1"), "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
  EXPECT_EQ(reverse_name("example.com"), "");
  EXPECT_EQ(address_of_reverse_name("1.2.0.192.IN-ADDR.ARPA."), "192.0.2.1");
  EXPECT_EQ(address_of_reverse_name(reverse_name("2001:db8::1")), "2001:db8::1");
  for (const char* bad : {"", "a.b.c.d.in-addr.arpa", "1.2.3.in-addr.arpa", "1.2.3.4.ip6.arpa", "1.2.3.4.5.6"}) {
    EXPECT_EQ(address_of_reverse_name(bad), "") << bad;
  }
}

}  // namespace
}  // namespace waypost::dns
