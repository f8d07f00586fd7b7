#include "config/check.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/parameter.h"

namespace waypost::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Configuration make(std::string_view main, std::string_view master = "") {
  Configuration configuration;
  Findings ignored;
  configuration.directory = "/etc/postfix";
  configuration.main = parse_main_cf(main, "main.cf", ignored);
  configuration.master = parse_master_cf(master, "master.cf", ignored);
  configuration.machine.host_name = "host.example";
  return configuration;
}

std::vector<std::string> texts(const Findings& findings) {
  std::vector<std::string> all;
  for (const Finding& finding : findings) all.push_back(describe(finding));
  return all;
}

std::vector<std::string> checked(std::string_view main, std::string_view master = "") {
  return texts(check(make(main, master)));
}

TEST(Check, NamesUnusedParametersAndWhatWasMeant) {
  EXPECT_THAT(checked("relay_host = [x]\nmyhostnmae = y\nsomething_of_ours_entirely = 1\n"),
              ElementsAre("main.cf, line 2: unused parameter: myhostnmae; did you mean myhostname?",
                          "main.cf, line 1: unused parameter: relay_host; did you mean relayhost?",
                          "main.cf, line 3: unused parameter: something_of_ours_entirely"));
}

TEST(Check, KnowsWhatOnlyOurTablesRead) {
  EXPECT_THAT(checked("relay_domains = pgsql:users ldap:people\nusers_timeout = 5\npeople_idle_interval = 9\n"),
              IsEmpty());
}

TEST(Check, NamesUndefinedReferencesOnce) {
  EXPECT_THAT(checked("myorigin = $nope\nmydestination = $nope $also\n",
                      "s inet n - y - - smtpd -o myorigin=$mua -o mydestination=$mua\n"),
              ElementsAre("main.cf, line 2: undefined parameter: nope", "main.cf, line 2: undefined parameter: also",
                          "master.cf, line 1: undefined parameter: mua"));
}

TEST(Check, NamesWhatIsNotHonoured) {
  EXPECT_THAT(checked("biff = no\ntransport_maps =\nsmtpd_milters = inet:localhost:8891\n"),
              ElementsAre("main.cf, line 1: biff has no effect: Waypost does not notify users who are logged in.",
                          "main.cf, line 3: smtpd_milters is not supported yet and has no effect"));
}

TEST(Check, IsSilentAboutWhatRepeatsTheDefault) {
  EXPECT_THAT(checked("virtual_alias_maps =\nmime_header_checks =\nmilter_macro_daemon_name = $myhostname\n",
                      "s inet n - y - - smtpd -o smtpd_milters= -o content_filter= -o receive_override_options=\n"),
              IsEmpty());
  EXPECT_THAT(checked("", "s inet n - y - - smtpd -o content_filter=smtp:[x] -o smtpd_milters=\n"),
              ElementsAre("master.cf, line 1: -o content_filter of service s is not supported yet and has no effect"));
}

TEST(Check, NamesOverridesThatNothingReads) {
  EXPECT_THAT(
      checked("", "s inet n - y - - smtpd\n  -o header_checks=pcre:/x -o syslog_nmae=y -o smtpd_timeout=5\n"),
      ElementsAre("master.cf, line 1: unused parameter: syslog_nmae; did you mean syslog_name?",
                  HasSubstr("-o header_checks of service s has no effect: smtpd does not read it, only cleanup")));
}

TEST(Check, ARelayhostOfAServiceIsRead) {
  EXPECT_THAT(checked("", "slow unix - - y - - smtp -o relayhost=[x]\n"), IsEmpty());
}

TEST(Check, NamesServicesItCannotServe) {
  EXPECT_THAT(checked("", "a unix - - y - - smptd\nb inet n - y - - qmqpd\nc inet - - y - - smtpd\n"),
              ElementsAre("master.cf, line 1: service a: unknown command smptd",
                          "master.cf, line 2: service b: command qmqpd is not supported",
                          "master.cf, line 3: inet service cannot be private: c"));
  EXPECT_TRUE(has_errors(check(make("", "c inet - - y - - smtpd\n"))));
}

TEST(ParameterTable, IsSortedAndComplete) {
  const auto all = all_parameters();
  EXPECT_GE(all.size(), 956U);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].name, all[i].name);
  for (const std::string_view suffix : transport_suffixes())
    EXPECT_NE(find_parameter("transport" + std::string(suffix)), nullptr) << suffix;
  EXPECT_EQ(find_parameter("relayhost")->status, Status::honoured);
  EXPECT_EQ(find_parameter("nope"), nullptr);
  EXPECT_EQ(find_any_parameter("slow_destination_concurrency_limit")->name, "transport_destination_concurrency_limit");
  EXPECT_EQ(find_transport_parameter("x_destination_recipient_limit")->service, "x");
}

TEST(ParameterTable, EveryDefaultExpands) {
  const Configuration empty = make("");
  for (const Parameter& parameter : all_parameters()) {
    EXPECT_TRUE(empty.view().value(parameter.name)) << parameter.name;
  }
}

TEST(ParameterTable, SuggestsOnlyWhatIsNear) {
  EXPECT_EQ(nearest_parameter("smtp_tls_securty_level"), "smtp_tls_security_level");
  EXPECT_EQ(nearest_parameter("myhostnaem"), "myhostname");
  EXPECT_EQ(nearest_parameter("abc"), "");
  EXPECT_EQ(nearest_parameter(std::string(100000, 'x')), "");
}

class LoadTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(directory_.data()), nullptr); }
  void TearDown() override {
    for (const char* file : {"/main.cf", "/master.cf"}) std::remove((directory_ + file).c_str());
    std::remove(directory_.c_str());
  }
  void write(const std::string& file, const std::string& text) { std::ofstream(directory_ + "/" + file) << text; }

  std::string directory_ = "/tmp/waypost-config-XXXXXX";
  Findings findings_;
};

TEST_F(LoadTest, ReadsBothFilesAndTheCommandLine) {
  write("main.cf", "myhostname = a.example\n");
  write("master.cf", "smtp inet n - y - - smtpd\n");
  const auto loaded = load(directory_, findings_, {.overrides = {{"myhostname", "b.example"}}});
  ASSERT_TRUE(loaded);
  EXPECT_EQ((*loaded)->view().value("myhostname"), "b.example");
  EXPECT_EQ((*loaded)->master.services().size(), 1U);
  EXPECT_FALSE((*loaded)->machine.host_name.empty());
}

TEST_F(LoadTest, NamesMissingFilesAndBrokenLines) {
  auto loaded = load(directory_, findings_);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().text, "open " + directory_ + "/main.cf: No such file or directory");
  write("main.cf", "ok = 1\nbroken\n");
  loaded = load(directory_, findings_);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::not_found);
  write("master.cf", "smtp\n");
  loaded = load(directory_, findings_);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::invalid);
  EXPECT_EQ(loaded.error().text, directory_ + "/main.cf, line 2: missing '=' after attribute name: \"broken\"");
  EXPECT_THAT(texts(findings_), Contains(directory_ + "/master.cf, line 1: bad field count"));
}

}  // namespace
}  // namespace waypost::config
