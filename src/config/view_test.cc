#include "config/view.h"

#include <unistd.h>

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/reader.h"

namespace waypost::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A configuration from texts, on a machine of our own.
struct Sample {
  Configuration configuration;
  Findings findings;

  explicit Sample(std::string_view main, std::string_view master = "") {
    configuration.directory = "/etc/postfix";
    configuration.main = parse_main_cf(main, "main.cf", findings);
    configuration.master = parse_master_cf(master, "master.cf", findings);
    configuration.machine.host_name = "host";
    configuration.machine.has_ipv6 = true;
    configuration.machine.interfaces = {{false, {127, 0, 0, 1}, 8},
                                        {false, {192, 0, 2, 7}, 26},
                                        {true, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128},
                                        {true, {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}, 64}};
  }
  std::string value(std::string_view name) const { return configuration.view().value(name).value_or("(error)"); }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const Finding& finding : findings) all.push_back(describe(finding));
    return all;
  }
};

TEST(View, LooksAtOverridesThenMainCfThenDefaults) {
  const Sample s("smtpd_banner = $myhostname x\nmyhostname = a.example\nuser_made = yes\n",
                 "submission inet n - y - - smtpd -o myhostname=b.example -o syslog_name=postfix/$service_name\n");
  EXPECT_EQ(s.value("smtpd_banner"), "a.example x");
  EXPECT_EQ(s.value("user_made"), "yes");
  EXPECT_EQ(s.value("nonsense"), "");
  EXPECT_EQ(s.value("bounce_queue_lifetime"), "5d");
  const View view = s.configuration.view(&s.configuration.master.services()[0]);
  EXPECT_EQ(view.value("smtpd_banner"), "b.example x");
  EXPECT_EQ(view.value("syslog_name"), "postfix/submission");
  EXPECT_EQ(view.value("process_name"), "smtpd");
  EXPECT_TRUE(view.is_set("myhostname"));
  EXPECT_FALSE(view.is_set("mydomain"));
  EXPECT_EQ(view.origin("myhostname").file, "master.cf");
  EXPECT_EQ(view.origin("smtpd_banner").line, 1);
  EXPECT_EQ(view.origin("mydomain").line, 0);
}

TEST(View, ConfigDirectoryIsTheOneThatWasRead) {
  EXPECT_EQ(Sample("config_directory = /elsewhere\n").value("config_directory"), "/elsewhere");
  EXPECT_EQ(Sample("").value("config_directory"), "/etc/postfix");
}

TEST(View, KeepsRunTimeMacros) {
  EXPECT_EQ(Sample("default_rbl_reply = $rbl_code no\n").value("default_rbl_reply"), "$rbl_code no");
}

TEST(View, TransportParametersHaveTheirPatternsDefault) {
  EXPECT_EQ(Sample("").configuration.view().raw("slow_destination_concurrency_limit"),
            "$default_destination_concurrency_limit");
  EXPECT_EQ(Sample("default_destination_concurrency_limit = 7\n").value("slow_destination_concurrency_limit"), "7");
  EXPECT_EQ(Sample("").value("local_destination_recipient_limit"), "1");
}

TEST(View, ComputesHostNames) {
  struct Case {
    const char* main;
    const char* host;
    const char* domain;
  };
  const Case cases[] = {
      {"", "host.localdomain", "localdomain"},
      {"mydomain = foo.example\n", "host.foo.example", "foo.example"},
      {"myhostname = a.b.example\n", "a.b.example", "b.example"},
      {"myhostname = foo\n", "foo", "localdomain"},
      {"myhostname = mx.$mydomain\nmydomain = x.example\n", "mx.x.example", "x.example"},
  };
  for (const Case& c : cases) {
    const Sample s(c.main);
    EXPECT_EQ(s.value("myhostname"), c.host) << c.main;
    EXPECT_EQ(s.value("mydomain"), c.domain) << c.main;
  }
  Sample qualified("");
  qualified.configuration.machine.host_name = "a.b.c";
  EXPECT_EQ(qualified.value("myhostname"), "a.b.c");
  EXPECT_EQ(qualified.value("mydomain"), "b.c");
}

TEST(View, CirclesOfComputedDefaultsEnd) {
  EXPECT_NE(Sample("mynetworks_style = $mynetworks\n").value("mynetworks"), "(error)");
  Sample("mydomain = $myhostname\n").value("mydomain");
  Sample("myhostname = mx.$mydomain\n").value("mydomain");
}

// Each computed default inside the circle is asked eighty times a round: only a budget that all rounds share ends it.
TEST(View, CirclesOfComputedDefaultsShareOneBudget) {
  std::string many = "$mydomain";
  for (int i = 0; i < 3; ++i) many += many;
  const Sample circle("myhostname = $a$a$a$a$a$a$a$a$a$a\na = " + many + "\n");
  EXPECT_EQ(circle.value("myhostname"), "(error)");
}

TEST(View, ComputesOwnNetworks) {
  struct Case {
    const char* main;
    const char* networks;
  };
  const Case cases[] = {
      {"", "127.0.0.0/8 192.0.2.0/26 [::1]/128 [fd00::]/64"},
      {"compatibility_level = 2\n", "127.0.0.1/32 192.0.2.7/32 [::1]/128 [fd00::7]/128"},
      {"mynetworks_style = class\ninet_protocols = ipv4\n", "127.0.0.0/8 192.0.2.0/24"},
      {"inet_interfaces = loopback-only\n", "127.0.0.0/8 [::1]/128"},
      {"inet_interfaces = 127.0.0.1\n", "127.0.0.0/8"},
      {"inet_interfaces = [fd00::7], 192.0.2.7\n", "192.0.2.0/26 [fd00::]/64"},
      {"inet_interfaces = localhost\ninet_protocols = ipv4\n", "127.0.0.0/8"},
      {"inet_interfaces = not-found.invalid, 127.0.0.1\n", "127.0.0.0/8"},
      {"inet_protocols = ipv6\n", "[::1]/128 [fd00::]/64"},
      {"mynetworks = 10.0.0.0/8\n", "10.0.0.0/8"},
  };
  for (const Case& c : cases) EXPECT_EQ(Sample(c.main).value("mynetworks"), c.networks) << c.main;
}

TEST(View, OldFilesGetOldDefaults) {
  const Sample old("");
  EXPECT_EQ(old.value("smtpd_relay_restrictions"), "");
  EXPECT_EQ(old.value("append_dot_mydomain"), "yes");
  EXPECT_EQ(old.value("relay_domains"), "host.localdomain, localhost.localdomain, localhost");
  const Sample recent("compatibility_level = 3.6\n");
  EXPECT_EQ(recent.value("smtpd_relay_restrictions"),
            "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination");
  EXPECT_EQ(recent.value("append_dot_mydomain"), "no");
  EXPECT_EQ(recent.value("relay_domains"), "");
}

TEST(Reader, ReadsEachType) {
  Sample s(
      "smtpd_helo_required = YES\nmessage_size_limit = 5\nmaximal_queue_lifetime = 2\nsmtpd_timeout = 5m\n"
      "mynetworks = 10.0.0.0/8, 127.0.0.1\nmynetworks_style = Host\n");
  const View view = s.configuration.view();
  Reader reader(view, s.findings);
  EXPECT_TRUE(reader.flag("smtpd_helo_required"));
  EXPECT_EQ(reader.number("message_size_limit"), 5);
  EXPECT_EQ(reader.duration("maximal_queue_lifetime"), std::chrono::days(2));
  EXPECT_EQ(reader.duration("smtpd_timeout"), std::chrono::minutes(5));
  EXPECT_EQ(reader.duration("smtpd_starttls_timeout"), std::chrono::minutes(5));
  EXPECT_THAT(reader.list("mynetworks"), ElementsAre("10.0.0.0/8", "127.0.0.1"));
  EXPECT_THAT(reader.words("mynetworks"), ElementsAre("10.0.0.0/8,", "127.0.0.1"));
  EXPECT_EQ(reader.choice("mynetworks_style"), "host");
  EXPECT_EQ(reader.choice("smtp_tls_security_level"), "");
  EXPECT_THAT(s.texts(), IsEmpty());
}

TEST(Reader, RefusesEmptyTextsWherePostfixDoes) {
  Sample s("myorigin =\nsyslog_name = $nope\nrelayhost =\n");
  const View view = s.configuration.view();
  Reader reader(view, s.findings);
  EXPECT_EQ(reader.text("myorigin"), "host.localdomain");
  EXPECT_EQ(reader.text("syslog_name"), "postfix");
  EXPECT_EQ(reader.text("relayhost"), "");
  EXPECT_THAT(s.texts(), ElementsAre("main.cf, line 1: bad string length 0 < 1: myorigin =",
                                     "main.cf, line 2: bad string length 0 < 1: syslog_name ="));
}

TEST(Reader, FindsTheOriginInAFileAsOnDebian) {
  std::string path = "/tmp/waypost-mailname-XXXXXX";
  const int fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::write(fd, "mail.example \nmore\n", 19), 19);
  ::close(fd);
  Sample s("myorigin = " + path + "\n");
  const View view = s.configuration.view();
  EXPECT_EQ(Reader(view, s.findings).text("myorigin"), "mail.example");
  ASSERT_EQ(::unlink(path.c_str()), 0);
  EXPECT_EQ(Reader(view, s.findings).text("myorigin"), "host.localdomain");
  EXPECT_THAT(s.texts(),
              ElementsAre("main.cf, line 1: parameter myorigin: open " + path + ": No such file or directory"));
}

TEST(Reader, NamesBadValuesAndGoesOnWithTheDefault) {
  Sample s(
      "smtpd_helo_required = maybe\nmessage_size_limit = 10M\nsmtpd_timeout = 1h30m\nsmtpd_recipient_limit = 0\n"
      "smtpd_hard_error_limit = 500\nmynetworks_style = all\nmyorigin = $\nqueue_run_delay = 0\n",
      "x inet n - y - - smtpd\n  -o smtpd_soft_error_limit=x\n");
  const View view = s.configuration.view(&s.configuration.master.services()[0]);
  Reader reader(view, s.findings);
  EXPECT_FALSE(reader.flag("smtpd_helo_required"));
  EXPECT_EQ(reader.number("message_size_limit"), 10240000);
  EXPECT_EQ(reader.duration("smtpd_timeout"), std::chrono::seconds(300));
  EXPECT_EQ(reader.number("smtpd_recipient_limit", 1), 1000);
  EXPECT_EQ(reader.number("smtpd_hard_error_limit", 1, 100), 20);
  EXPECT_EQ(reader.number("smtpd_soft_error_limit"), 10);
  EXPECT_EQ(reader.choice("mynetworks_style"), "subnet");
  EXPECT_EQ(reader.text("myorigin"), "host.localdomain");
  EXPECT_EQ(reader.duration("queue_run_delay", std::chrono::seconds(1)), std::chrono::seconds(300));
  EXPECT_THAT(s.texts(),
              ElementsAre("main.cf, line 1: bad boolean configuration: smtpd_helo_required = maybe",
                          "main.cf, line 2: bad numerical configuration: message_size_limit = 10M",
                          "main.cf, line 3: parameter smtpd_timeout: bad time value or unit: 1h30m",
                          "main.cf, line 4: invalid smtpd_recipient_limit parameter value 0 < 1",
                          "main.cf, line 5: invalid smtpd_hard_error_limit parameter value 500 > 100",
                          "master.cf, line 1: bad numerical configuration: smtpd_soft_error_limit = x",
                          "main.cf, line 6: bad configuration: mynetworks_style = all; need one of: class,subnet,host",
                          "main.cf, line 7: parameter myorigin: empty macro name: \"$\"",
                          "main.cf, line 8: invalid queue_run_delay parameter value 0 < 1"));
  EXPECT_TRUE(has_errors(s.findings));
}

}  // namespace
}  // namespace waypost::config
