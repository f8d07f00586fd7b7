#include "config/names.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace waypost::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Survey survey_of(std::string_view main, std::string_view master = "") {
  Configuration configuration;
  Findings ignored;
  configuration.directory = "/etc/postfix";
  configuration.main = parse_main_cf(main, "main.cf", ignored);
  configuration.master = parse_master_cf(master, "master.cf", ignored);
  configuration.machine.host_name = "host.example";
  return survey(configuration);
}

std::vector<std::string> texts(const Findings& findings) {
  std::vector<std::string> all;
  for (const Finding& finding : findings) all.push_back(describe(finding));
  return all;
}

std::vector<std::string> user_names(const Survey& survey) {
  std::vector<std::string> names;
  for (const auto& [name, kind] : survey.names) {
    if (kind == NameClass::user) names.push_back(name);
  }
  return names;
}

TEST(Names, FollowsReferencesOfEveryKind) {
  const char* main =
      "myorigin = ${a?{$b}:{$c}}\na = $d\nb = 1\nc = 1\nd = 1\nsmtpd_restriction_classes = strict\nstrict = permit, "
      "$e\n"
      "e = reject\nmua = permit\nvirtual_maps = hash:/x\nvirtual_alias_maps = $virtual_maps "
      "ldap:people\npeople_server_host = x\n";
  const char* master = "submission inet n - y - - smtpd -o smtpd_client_restrictions=$mua\n";
  const Survey found = survey_of(main, master);
  EXPECT_THAT(texts(found.unused), IsEmpty());
  EXPECT_THAT(texts(found.doubtful), IsEmpty());
  EXPECT_THAT(user_names(found),
              ElementsAre("a", "b", "c", "d", "e", "mua", "people_server_host", "strict", "virtual_maps"));
}

TEST(Names, KeepsTheNamesOfServicesApart) {
  const char* master =
      "a inet n - y - - smtpd -o mine=1 -o myorigin=$mine\nb inet n - y - - smtpd -o mine=1 -o other=1\n"
      "b inet n - y - - smtpd -o myorigin=$other\n";
  EXPECT_THAT(texts(survey_of("", master).unused), ElementsAre("master.cf, line 2: unused parameter: mine=1"));
  EXPECT_THAT(texts(survey_of("myorigin = $mine\n", master).unused), IsEmpty());
}

TEST(Names, HasThoseOfServicesThatExist) {
  const char* main = "slow_destination_rate_delay = 1s\nslow_time_limit = 5\nuucp_time_limit = 5\n";
  const char* master = "slow unix - - y - - smtp\nuucp unix - n n - - pipe\n  flags=F user=uucp argv=uux\n";
  EXPECT_THAT(texts(survey_of(main, master).unused),
              ElementsAre("main.cf, line 2: unused parameter: slow_time_limit=5"));
  EXPECT_THAT(texts(survey_of(main).unused), ::testing::SizeIs(3));
  const Survey found = survey_of(main, "local unix - n n - - local\n");
  EXPECT_EQ(found.names.at("local_destination_concurrency_limit"), NameClass::service);
  EXPECT_EQ(survey_of(main).names.at("local_destination_concurrency_limit"), NameClass::builtin);
  EXPECT_FALSE(found.names.contains("smtp_destination_concurrency_limit"));
  EXPECT_FALSE(found.names.contains("transport_destination_concurrency_limit"));
}

TEST(Names, WarnsAboutWhatIsUndefinedOrReadOnly) {
  const Survey found = survey_of("myorigin = $nope ${also:x}\nprocess_name = x\nmydestination = $nope\n");
  EXPECT_THAT(texts(found.doubtful),
              ElementsAre("main.cf, line 3: undefined parameter: nope", "main.cf, line 1: undefined parameter: also",
                          "main.cf, line 2: read-only parameter assignment: process_name=x"));
  EXPECT_THAT(texts(found.unused), IsEmpty());
}

TEST(Names, EndsAtAMalformedValueThatIsNeeded) {
  EXPECT_EQ(survey_of("spare = ${x\n").fatal, "");
  EXPECT_THAT(texts(survey_of("spare = ${x\n").malformed),
              ElementsAre("main.cf, line 1: truncated macro reference: \"${x\""));
  EXPECT_EQ(survey_of("myorigin = $spare\nspare = ${x\n").fatal, "macro processing error");
  EXPECT_EQ(survey_of("smtpd_restriction_classes = $\n").fatal, "dictionary mail_dict: macro processing error");
  EXPECT_EQ(survey_of("", "s inet n - - - - smtpd -o myorigin=$\n").fatal, "macro processing error");
}

TEST(Names, LooksIntoTheDefinitionsOfTables) {
  std::string folder = "/tmp/waypost-names-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/users.cf";
  std::ofstream(path) << "hosts = h\nqueery = select 1\n";
  const Survey found = survey_of("virtual_alias_maps = proxy:mysql:" + path + " pgsql:" + path + ".not hash:" + path +
                                 " { ldap:people x:{mysql:more} }\npeople_bind = no\nmore_query = q\nmore_x = y\n");
  EXPECT_THAT(texts(found.malformed),
              ElementsAre("mysql:" + path + ": unused parameter: queery=select 1",
                          "open \"pgsql\" configuration \"" + path + ".not\": No such file or directory"));
  EXPECT_THAT(texts(found.unused), ElementsAre("main.cf, line 4: unused parameter: more_x=y"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace waypost::config
