#include "config/inet_settings.h"

#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace waypost::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string fault(std::string_view main) {
  Findings ignored;
  Configuration configuration;
  configuration.main = parse_main_cf(main, "main.cf", ignored);
  configuration.machine = {"mx.example.com", {{false, {127, 0, 0, 1}, 8}, {false, {192, 0, 2, 7}, 26}}, true};
  const auto found = inet_fault(configuration.view(), configuration.machine);
  return found ? std::string(found->name) + ": " + found->text : "";
}

TEST(InetSettings, WhatPostfixTakesIsNoFault) {
  for (const char* main : {"", "inet_protocols = all\n", "inet_protocols = ipv4, ipv6\n", "mynetworks_style = class\n",
                           "mynetworks_style = host host\n", "inet_interfaces = loopback-only\n", "inet_interfaces =\n",
                           "inet_interfaces = 127.0.0.1, [192.0.2.7]\n",
                           "mynetworks_style = odd\nmynetworks = 10.0.0.0/8\n", "inet_interfaces = ${broken\n"}) {
    EXPECT_EQ(fault(main), "") << main;
  }
}

TEST(InetSettings, FaultsAreNamedInPostfixWords) {
  EXPECT_EQ(fault("inet_protocols = all, ipv9\n"),
            "inet_protocols: unknown inet_protocols value \"ipv9\" in \"all, ipv9\"");
  EXPECT_EQ(fault("inet_protocols = IPv4\n"), "inet_protocols: unknown inet_protocols value \"IPv4\" in \"IPv4\"");
  EXPECT_EQ(fault("mynetworks_style = Host\n"),
            "mynetworks_style: unknown mynetworks mask style value \"Host\" in \"Host\"");
  EXPECT_EQ(fault("mynetworks_style = host,class\n"),
            "mynetworks_style: bad mynetworks_style value: host,class; specify exactly one value");
  EXPECT_EQ(fault("mynetworks_style =\n"), "mynetworks_style: bad mynetworks_style value: ; specify exactly one value");
  EXPECT_EQ(fault("inet_interfaces = ::1\ninet_protocols = ipv4\n"),
            "inet_interfaces: config variable inet_interfaces: host not found: ::1");
  EXPECT_EQ(fault("inet_interfaces = 192.0.2.77\n"),
            "inet_interfaces: parameter inet_interfaces: no local interface found for 192.0.2.77");
}

TEST(InetSettings, FindsTheAddressesOfAWord) {
  EXPECT_THAT(interface_addresses("[::1]", AF_UNSPEC), ElementsAre("::1"));
  EXPECT_THAT(interface_addresses("localhost", AF_INET), ElementsAre("127.0.0.1"));
  EXPECT_THAT(interface_addresses("not-found.invalid", AF_UNSPEC), IsEmpty());
}

}  // namespace
}  // namespace waypost::config
