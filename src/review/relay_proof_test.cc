#include "review/relay_proof.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/log.h"
#include "tables/registry.h"

namespace waypost::review {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A configuration with one listener, whose lists are those of main.cf.
class RelayProofTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(directory_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  ListenerProof prove(const std::string& main) {
    const std::string main_path = write("main.cf", main);
    config::Findings ignored;
    configuration_.directory = directory_;
    configuration_.main = config::parse_main_cf(main, main_path, ignored);
    configuration_.master = config::parse_master_cf("smtp inet n - n - - smtpd\n", directory_ + "/master.cf", ignored);
    const config::View view = configuration_.view(&configuration_.master.services().front());
    const auto value = [&](std::string_view name) { return view.value(name).value_or(""); };
    routing::DomainSettings domains;
    domains.mydestination = value("mydestination");
    domains.relay_domains = value("relay_domains");
    routing::RouterSettings routes;
    routes.myhostname = "relay.example";
    routes.rewrite = {.myorigin = "relay.example", .mydomain = "example"};
    routes.local_transport = "local";
    const auto router =
        std::make_shared<routing::Router>(routes, std::make_shared<routing::Domains>(domains, registry_));
    access::AccessSettings lists;
    lists.client_restrictions = value("smtpd_client_restrictions");
    lists.sender_restrictions = value("smtpd_sender_restrictions");
    lists.relay_restrictions = value("smtpd_relay_restrictions");
    lists.recipient_restrictions = value("smtpd_recipient_restrictions");
    lists.mynetworks = value("mynetworks");
    lists.delay_reject = delay_reject_;
    std::vector<access::Finding> findings;
    listener_.service = &configuration_.master.services().front();
    listener_.endpoints = {{"0.0.0.0", 25}};
    listener_.policy = access::Policy::build(lists, registry_, router, findings);
    return prove_relay(configuration_, *router, {listener_}).listeners.front();
  }

  NullLog log_;
  ManualClock clock_;
  tables::TableRegistry registry_{Log(log_, "test", 1), clock_};
  std::string directory_ = "/tmp/waypost-proof-XXXXXX";
  config::Configuration configuration_;
  Listener listener_;
  bool delay_reject_ = true;
};

constexpr const char* kBase = "mydestination =\nmynetworks = 10.0.0.0/8\n";

TEST_F(RelayProofTest, NamesTheWordThatDecidesWithItsLine) {
  const auto proof =
      prove(std::string(kBase) + "smtpd_relay_restrictions =\n  permit_mynetworks,\n\n  # strangers\n  reject\n");
  EXPECT_THAT(proof.open, IsEmpty());
  const Answer* own = proof.find(ClientClass::own_networks, DestinationClass::foreign);
  const Answer* other = proof.find(ClientClass::everybody_else, DestinationClass::foreign);
  ASSERT_TRUE(own && other);
  EXPECT_EQ(own->usual.outcome, Outcome::permit);
  EXPECT_EQ(own->usual.decided_by->line, 4);
  EXPECT_EQ(other->usual.outcome, Outcome::reject);
  EXPECT_EQ(other->usual.decided_by->restriction, "reject");
  EXPECT_EQ(other->usual.decided_by->line, 7);
}

TEST_F(RelayProofTest, FindsTheWordBehindAReference) {
  const auto proof =
      prove(std::string(kBase) + "smtpd_relay_restrictions = permit_mynetworks, $rest\nrest =\n  reject\n");
  EXPECT_EQ(proof.find(ClientClass::everybody_else, DestinationClass::foreign)->usual.decided_by->line, 5);
}

TEST_F(RelayProofTest, TakesTheSecondOfTwoEqualWords) {
  const auto proof = prove(std::string(kBase) +
                           "smtpd_relay_restrictions = warn_if_reject\n  reject,\n  permit_mynetworks,\n  reject\n");
  EXPECT_EQ(proof.find(ClientClass::everybody_else, DestinationClass::foreign)->usual.decided_by->line, 6);
}

TEST_F(RelayProofTest, StrangersBehindPermitMakeAnOpenRelay) {
  const auto proof = prove(std::string(kBase) + "smtpd_relay_restrictions = permit\n");
  EXPECT_THAT(proof.open, ElementsAre("everybody else may send to foreign domains"));
}

TEST_F(RelayProofTest, ListsBeforeRcptCountWithoutDelayedRejects) {
  delay_reject_ = false;
  const auto proof =
      prove(std::string(kBase) +
            "smtpd_client_restrictions = permit_mynetworks, reject\nsmtpd_relay_restrictions = permit\n");
  EXPECT_THAT(proof.open, IsEmpty());
  EXPECT_EQ(proof.find(ClientClass::everybody_else, DestinationClass::foreign)->usual.decided_by->parameter,
            "smtpd_client_restrictions");
}

TEST_F(RelayProofTest, BothTablesOfTwoListsMustPermit) {
  const std::string table = "hash:" + write("clients", "192.0.2.1 OK\n");
  const auto proof = prove(std::string(kBase) + "smtpd_relay_restrictions = check_client_access " + table +
                           ", reject\nsmtpd_recipient_restrictions = check_client_access " + table + ", reject\n");
  EXPECT_THAT(proof.open, IsEmpty());
  const Answer* other = proof.find(ClientClass::everybody_else, DestinationClass::foreign);
  EXPECT_EQ(other->usual.outcome, Outcome::reject);
  ASSERT_THAT(other->otherwise, SizeIs(1));
  EXPECT_THAT(other->otherwise.front().conditions, SizeIs(2));
  EXPECT_TRUE(other->complete);
}

TEST_F(RelayProofTest, SendersCanBeForgedAddressesCannot) {
  const std::string table = "hash:" + write("table", "x OK\n");
  EXPECT_THAT(
      prove(std::string(kBase) + "smtpd_relay_restrictions = check_sender_access " + table + ", reject\n").forgeable,
      SizeIs(1));
  EXPECT_THAT(
      prove(std::string(kBase) + "smtpd_relay_restrictions = check_client_access " + table + ", reject\n").forgeable,
      IsEmpty());
}

TEST_F(RelayProofTest, TooManyCombinationsAreSaidToBeUndecided) {
  std::string words;
  for (int i = 0; i < 60; ++i) words += " check_client_access hash:/no/such/table" + std::to_string(i) + ",";
  const auto proof = prove(std::string(kBase) + "smtpd_client_restrictions =" + words +
                           " permit\nsmtpd_sender_restrictions =" + words +
                           " permit\nsmtpd_relay_restrictions = permit_mynetworks, reject\n");
  EXPECT_FALSE(proof.find(ClientClass::everybody_else, DestinationClass::foreign)->complete);
  EXPECT_THAT(to_text(RelayProof{{proof}}), HasSubstr("undecided"));
}

TEST_F(RelayProofTest, TablesOnTheNetworkAreNotAsked) {
  const auto proof = prove(
      "mydestination =\nmynetworks = mysql:/no/such.cf\nrelay_domains = mysql:/no/such.cf\n"
      "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n");
  EXPECT_EQ(proof.find(ClientClass::own_networks, DestinationClass::foreign)->usual.outcome, Outcome::permit);
  EXPECT_EQ(proof.find(ClientClass::everybody_else, DestinationClass::foreign)->usual.outcome, Outcome::reject);
  EXPECT_EQ(proof.find(ClientClass::everybody_else, DestinationClass::relay_domains)->usual.outcome, Outcome::permit);
}

}  // namespace
}  // namespace waypost::review
