#include "smtp/proxy_header.h"

#include <gtest/gtest.h>

namespace waypost::smtp {
namespace {

using State = ProxyHeader::State;

const std::string kMark("\r\n\r\n\0\r\nQUIT\n", 12);

std::string binary(char command, char family, const std::string& rest) {
  return kMark + command + family + static_cast<char>(rest.size() >> 8) + static_cast<char>(rest.size()) + rest;
}

TEST(ProxyHeader, ReadsVersion1) {
  const std::string line = "PROXY TCP4 198.51.100.1 203.0.113.2 56324 25\r\n";
  const auto header = parse_proxy_header(line + "EHLO x\r\n");
  EXPECT_EQ(header.state, State::proxied);
  EXPECT_EQ(header.length, line.size());
  EXPECT_EQ(header.client_address, "198.51.100.1");
  EXPECT_EQ(header.client_port, 56324);
  EXPECT_EQ(header.server_address, "203.0.113.2");
  EXPECT_EQ(header.server_port, 25);
}

TEST(ProxyHeader, ReadsVersion1WithIpv6) {
  EXPECT_EQ(parse_proxy_header("PROXY TCP6 2001:DB8:0::1 2001:db8::2 1 2\r\n").client_address, "2001:db8::1");
  EXPECT_EQ(parse_proxy_header("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n").client_address, "192.0.2.1");
}

TEST(ProxyHeader, RefusesVersion1ThatNamesNoClient) {
  for (const char* bad :
       {"PROXY UNKNOWN\r\n", "PROXY TCP4\r\n", "PROXY TCP4 x 203.0.113.2 1 2\r\n",
        "PROXY TCP4 2001:db8::1 203.0.113.2 1 2\r\n", "PROXY TCP6 192.0.2.1 2001:db8::2 1 2\r\n",
        "PROXY TCP4 198.51.100.1 203.0.113.2 1\r\n", "PROXY TCP4 198.51.100.1 203.0.113.2 1 65536\r\n",
        "PROXY TCP4 198.51.100.1 203.0.113.2 -1 2\r\n", "PROXY TCP4 198.51.100.1 203.0.113.2 1 2 3\r\n",
        "EHLO client.example\r\n", "proxy TCP4"}) {
    EXPECT_EQ(parse_proxy_header(bad).state, State::bad) << bad;
  }
}

TEST(ProxyHeader, WaitsForTheRest) {
  const std::string text = "PROXY TCP4 198.51.100.1 203.0.113.2 56324 25\r\n";
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(parse_proxy_header(text.substr(0, i)).state, State::incomplete) << i;
  }
  const auto wire = binary('\x21', '\x11', std::string("\xc6\x33\x64\x01\xcb\x00\x71\x02\x12\x34\x00\x19", 12));
  for (std::size_t i = 0; i < wire.size(); ++i) {
    EXPECT_EQ(parse_proxy_header(wire.substr(0, i)).state, State::incomplete) << i;
  }
  EXPECT_EQ(parse_proxy_header("PROXY TCP4 " + std::string(96, '1')).state, State::bad);
}

TEST(ProxyHeader, ReadsVersion2) {
  const auto wire = binary('\x21', '\x11', std::string("\xc6\x33\x64\x01\xcb\x00\x71\x02\x12\x34\x00\x19\x01\x02", 14));
  const auto header = parse_proxy_header(wire + "EHLO x\r\n");
  EXPECT_EQ(header.state, State::proxied);
  EXPECT_EQ(header.length, wire.size());  // with the options behind the addresses
  EXPECT_EQ(header.client_address, "198.51.100.1");
  EXPECT_EQ(header.client_port, 0x1234);
  EXPECT_EQ(header.server_address, "203.0.113.2");
  EXPECT_EQ(header.server_port, 25);
}

TEST(ProxyHeader, ReadsVersion2WithIpv6) {
  std::string addresses(36, '\0');
  addresses[0] = '\x20';
  addresses[15] = '\x01';
  addresses[31] = '\x02';
  EXPECT_EQ(parse_proxy_header(binary('\x21', '\x21', addresses)).client_address, "2000::1");
}

TEST(ProxyHeader, TakesTheProxysOwnConnection) {
  const auto header = parse_proxy_header(binary('\x20', '\0', ""));
  EXPECT_EQ(header.state, State::own);
  EXPECT_EQ(header.length, 16U);
}

TEST(ProxyHeader, RefusesVersion2ThatNamesNoClient) {
  const std::string addresses(12, '\1');
  EXPECT_EQ(parse_proxy_header(binary('\x11', '\x11', addresses)).error, "unrecognized protocol version");
  EXPECT_EQ(parse_proxy_header(binary('\x22', '\x11', addresses)).error, "bad command in proxy header");
  EXPECT_EQ(parse_proxy_header(binary('\x21', '\x31', addresses)).error, "unsupported network protocol");
  EXPECT_EQ(parse_proxy_header(binary('\x21', '\x11', addresses.substr(1))).error, "short address field");
  EXPECT_EQ(parse_proxy_header(binary('\x21', '\x21', addresses)).error, "short address field");
}

TEST(ProxyHeader, HasALimit) {
  const std::string most(kMaxProxyHeaderBytes - 16, '\1');
  EXPECT_EQ(parse_proxy_header(binary('\x21', '\x11', most)).state, State::proxied);
  EXPECT_EQ(parse_proxy_header(binary('\x21', '\x11', most + '\1')).error, "protocol header too long");
}

}  // namespace
}  // namespace waypost::smtp
