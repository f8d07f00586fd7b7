#include "daemon/reload_changes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace waypost::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

config::Configuration make(std::string_view main, std::string_view master = "") {
  config::Configuration configuration;
  config::Findings ignored;
  configuration.directory = "/etc/postfix";
  configuration.main = config::parse_main_cf(main, "main.cf", ignored);
  configuration.master = config::parse_master_cf(master, "master.cf", ignored);
  return configuration;
}

std::vector<std::string> changes(const config::Configuration& before, const config::Configuration& after,
                                 const TableStamps& old_tables = {}, const TableStamps& new_tables = {}) {
  return reload_changes({before, old_tables}, {after, new_tables});
}

TEST(ReloadChanges, AreNoneForTheSameFiles) {
  const char* master = "smtp inet n - y - - smtpd -o syslog_name=x\n";
  EXPECT_THAT(changes(make("relayhost = [a]\n", master), make("relayhost=[a]\n", master)), IsEmpty());
}

TEST(ReloadChanges, NameParametersThatAreNewGoneAndOther) {
  EXPECT_THAT(changes(make("relayhost = [a]:25\nmyorigin = x\nmydestination = y\n"),
                      make("relayhost = [b]:587\nmynetworks = 10.0.0.0/8\nmydestination =\n")),
              ElementsAre("mydestination: y -> (empty)", "mynetworks: (not set) -> 10.0.0.0/8",
                          "myorigin: x -> (not set)", "relayhost: [a]:25 -> [b]:587"));
}

TEST(ReloadChanges, HideSecrets) {
  EXPECT_THAT(
      changes(make("people_bind_pw = old\nldap_password = a\nsmtp_sasl_password_maps = static:u:old\n"),
              make("people_bind_pw = new\nldap_password = b\nsmtp_sasl_password_maps = hash:/etc/postfix/passwd\n")),
      ElementsAre("ldap_password: (hidden) -> (hidden)", "people_bind_pw: (hidden) -> (hidden)",
                  "smtp_sasl_password_maps: (hidden) -> hash:/etc/postfix/passwd"));
  EXPECT_THAT(
      changes(make("db_pass = old\nusers_hosts = postgresql://u:old@a/mail\nothers_hosts = postgresql://u@a/mail\n"),
              make("db_pass = new\nusers_hosts = postgresql://u:new@a/mail\nothers_hosts = postgresql://u@b/mail\n")),
      ElementsAre("db_pass: (hidden) -> (hidden)", "others_hosts: postgresql://u@a/mail -> postgresql://u@b/mail",
                  "users_hosts: (hidden) -> (hidden)"));
}

TEST(ReloadChanges, NameServicesByNameAndType) {
  EXPECT_THAT(changes(make("", "smtp inet n - y - - smtpd -o smtpd_tls_security_level=may\nold unix - - n - - smtp\n"),
                      make("",
                           "smtp inet n - y - 20 smtpd -o smtpd_tls_security_level=encrypt -o syslog_name=x\n587 inet "
                           "n - y - - smtpd\n")),
              ElementsAre("service old/unix: removed", "service smtp/inet: maxproc: - -> 20",
                          "service smtp/inet: -o smtpd_tls_security_level: may -> encrypt",
                          "service smtp/inet: -o syslog_name: (not set) -> x", "service 587/inet: added"));
}

TEST(ReloadChanges, NameTablesWhoseFilesChanged) {
  const config::Configuration same = make("");
  const TableStamps before{{"hash:/a", {{.exists = true, .size = 1}}}, {"hash:/b", {{.exists = true, .size = 1}}}};
  const TableStamps after{{"hash:/a", {{.exists = true, .size = 2}}}, {"hash:/b", {{.exists = true, .size = 1}}}};
  EXPECT_THAT(changes(same, same, before, after), ElementsAre("table hash:/a: changed"));
}

TEST(ReloadChanges, AreBoundedInNumberAndLength) {
  std::string main;
  for (std::size_t i = 0; i < kMaxReloadLines; ++i) main += fmt::format("p{} = 1\n", i);
  EXPECT_THAT(changes(make(""), make(main)), SizeIs(kMaxReloadLines));
  main += "q = 1\nr = " + std::string(10'000, 'x') + "\n";
  const auto all = changes(make(""), make(main));
  ASSERT_THAT(all, SizeIs(kMaxReloadLines + 1));
  EXPECT_EQ(all.back(), "and 2 more changes");
  EXPECT_LT(changes(make(""), make("r = " + std::string(10'000, 'x') + "\n")).front().size(), kMaxShownValue + 50);
}

}  // namespace
}  // namespace waypost::daemon
