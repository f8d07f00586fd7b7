#include <gtest/gtest.h>

#include <set>

#include "smtp_client/agent_fixture.h"
#include "smtp_client/hosts.h"

namespace waypost::smtp_client {
namespace {

using RoutesTest = AgentFixture;
constexpr const char* kSent = "sent 2.0.0 250 2.0.0 Ok: queued as TEST";

TEST_F(RoutesTest, DomainsAreLookedUpByMx) {
  TestServer server({});
  resolver_.mx("example.org", 10, "mx.example.org").address("mx.example.org", "127.0.0.1");
  EXPECT_EQ(outcome(deliver("example.org:" + std::to_string(server.port()))), kSent);
  EXPECT_TRUE(log_.contains("relay=mx.example.org[127.0.0.1]:"));
}

TEST_F(RoutesTest, BracketsSkipMx) {
  TestServer server({});
  resolver_.mx("host.example.org", 10, "other.example.org").address("host.example.org", "127.0.0.1");
  EXPECT_EQ(outcome(deliver("[host.example.org]:" + std::to_string(server.port()))), kSent);
}

TEST_F(RoutesTest, TheNextHostIsTriedAfterATemporaryRefusal) {
  TestServer server({.greeting = "421 busy"});
  resolver_.mx("example.org", 10, "mx1.example.org").mx("example.org", 20, "mx2.example.org");
  resolver_.address("mx1.example.org", "127.0.0.1").address("mx2.example.org", "127.0.0.2");
  const auto report = deliver("example.org:" + std::to_string(server.port()));
  EXPECT_TRUE(log_.contains("host mx1.example.org[127.0.0.1] refused to talk to me: 421 busy"));
  EXPECT_TRUE(log_.contains("connect to mx2.example.org[127.0.0.2]:"));
  EXPECT_EQ(report.outcomes.at(0).status, delivery::Status::deferred);
}

TEST_F(RoutesTest, TheFallbackRelayTakesWhatNobodyElseTakes) {
  TestServer server({});
  settings_.fallback_relay = server.nexthop();
  resolver_.mx("example.org", 10, "mx.example.org").address("mx.example.org", "127.0.0.3");
  EXPECT_EQ(outcome(deliver("example.org:1")), kSent);
  EXPECT_EQ(outcome(deliver("nosuch.example")), kSent);
}

struct DnsCase {
  const char* nexthop;
  const char* outcome;
};

TEST_F(RoutesTest, NamesThatCannotBeUsed) {
  using dns::Type;
  resolver_.fails("soft.example", Type::mx, dns::Status::temporary).mx("null.example", 0, ".");
  resolver_.mx("empty.example", 10, "gone.example");
  for (const auto& [nexthop, expected] : {
           DnsCase{"hard.example",
                   "bounced 5.4.4 Host or domain name not found. Name service error for "
                   "name=hard.example type=AAAA: Host not found"},
           DnsCase{"soft.example",
                   "deferred 4.4.3 Host or domain name not found. Name service error for "
                   "name=soft.example type=MX: Host not found, try again"},
           DnsCase{"null.example", "bounced 5.1.0 Domain null.example does not accept mail (nullMX)"},
           DnsCase{"empty.example",
                   "bounced 5.4.4 Host or domain name not found. Name service error for "
                   "name=gone.example type=AAAA: Host not found"},
       }) {
    EXPECT_EQ(outcome(deliver(nexthop)), expected);
  }
  EXPECT_TRUE(log_.contains("warning: no MX host for empty.example has a valid address record"));
}

TEST_F(RoutesTest, TheRelayhostsTroublesNeverBounce) {
  settings_.relayhost = "[nosuch.example]:587";
  const auto report = deliver("[nosuch.example]:587");
  EXPECT_EQ(report.outcomes.at(0).status, delivery::Status::deferred);
  EXPECT_EQ(report.outcomes.at(0).dsn, "4.3.5");
  EXPECT_TRUE(log_.contains("warning: relayhost configuration problem"));
}

TEST_F(RoutesTest, MailThatLoopsBack) {
  settings_.own_addresses = {"192.0.2.1"};
  resolver_.mx("own.example", 10, "own-mx.example").address("own-mx.example", "192.0.2.1");
  EXPECT_EQ(outcome(deliver("own.example")), "bounced 5.4.6 mail for own.example loops back to myself");
  resolver_.mx("backup.example", 5, "gone.example").mx("backup.example", 10, "own-mx.example");
  EXPECT_EQ(outcome(deliver("backup.example")), "deferred 4.4.4 unable to find primary relay for backup.example");
}

TEST_F(RoutesTest, AMalformedNexthopDefers) {
  EXPECT_EQ(deliver("[host").outcomes.at(0).status, delivery::Status::deferred);
  EXPECT_EQ(deliver("host:nosuchservice").outcomes.at(0).status, delivery::Status::deferred);
}

TEST(OrderHosts, KeepsPreferencesAndShufflesEquals) {
  std::set<std::string> firsts;
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) {
    std::vector<Host> hosts{{"c", "192.0.2.3", 20}, {"a", "192.0.2.1", 10}, {"b", "192.0.2.2", 10}};
    order_hosts(hosts, {}, random);
    EXPECT_EQ(hosts[2].name, "c");
    firsts.insert(hosts[0].name);
  }
  EXPECT_EQ(firsts.size(), 2u);
}

TEST(OrderHosts, NeitherFamilyTakesAllTheSlots) {
  std::mt19937 random(1);
  ClientSettings settings;
  settings.randomize_addresses = false;
  std::vector<Host> hosts;
  for (int i = 0; i < 8; ++i) hosts.push_back({"a", "2001:db8::" + std::to_string(i), 10});
  hosts.push_back({"a", "192.0.2.1", 10});
  order_hosts(hosts, settings, random);
  EXPECT_EQ(hosts[4].address, "192.0.2.1");
  EXPECT_EQ(hosts.size(), 9u);
}

TEST(OrderHosts, TheWantedFamilyComesFirst) {
  std::mt19937 random(1);
  ClientSettings settings;
  settings.address_preference = AddressPreference::ipv6;
  std::vector<Host> hosts{{"a", "192.0.2.1", 10}, {"a", "2001:db8::1", 10}};
  order_hosts(hosts, settings, random);
  EXPECT_EQ(hosts[0].address, "2001:db8::1");
}

}  // namespace
}  // namespace waypost::smtp_client
