#include "config/master_cf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace waypost::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Parsed {
  MasterCf master;
  std::vector<std::string> findings;
  bool failed = false;
};

Parsed parse(std::string_view text) {
  Findings findings;
  Parsed parsed{parse_master_cf(text, "master.cf", findings), {}, has_errors(findings)};
  for (const Finding& finding : findings) parsed.findings.push_back(describe(finding));
  return parsed;
}

TEST(MasterCf, ReadsTheColumns) {
  const Parsed p = parse(
      "# comment\nsmtp inet n - y - - smtpd\nqmgr unix n - n 300 1 qmgr\n"
      "tlsmgr unix - - - 1000? 0 tlsmgr\n");
  ASSERT_EQ(p.master.services().size(), 3U);
  const Service& smtp = p.master.services()[0];
  EXPECT_EQ(smtp.name, "smtp");
  EXPECT_EQ(smtp.type, "inet");
  EXPECT_EQ(smtp.command, "smtpd");
  EXPECT_FALSE(smtp.is_private());
  EXPECT_TRUE(smtp.unprivileged());
  EXPECT_EQ(smtp.chroot(), true);
  EXPECT_EQ(smtp.wakeup(), std::chrono::seconds(0));
  EXPECT_EQ(smtp.process_limit(), std::nullopt);
  EXPECT_EQ(smtp.line, 2);
  const Service& qmgr = p.master.services()[1];
  EXPECT_EQ(qmgr.wakeup(), std::chrono::seconds(300));
  EXPECT_EQ(qmgr.process_limit(), 1);
  EXPECT_EQ(qmgr.chroot(), false);
  const Service& tlsmgr = p.master.services()[2];
  EXPECT_TRUE(tlsmgr.is_private());
  EXPECT_TRUE(tlsmgr.wakeup_only_if_used());
  EXPECT_EQ(tlsmgr.wakeup(), std::chrono::seconds(1000));
  EXPECT_EQ(tlsmgr.process_limit(), 0);
  EXPECT_EQ(tlsmgr.chroot(), std::nullopt);
  EXPECT_THAT(p.findings, IsEmpty());
}

TEST(MasterCf, ReadsAllFormsOfOptions) {
  const Parsed p = parse("s inet n - y - - smtpd -o a=b -oc=d -v -o { e = f g }\n  -vv -vo h=$i -o c=z\n x -o y=z\n");
  ASSERT_EQ(p.master.services().size(), 1U);
  const Service& service = p.master.services()[0];
  EXPECT_EQ(service.verbose, 4);
  ASSERT_EQ(service.overrides.size(), 5U);
  EXPECT_EQ(service.find_override("a")->value, "b");
  EXPECT_EQ(service.find_override("c")->value, "z");
  EXPECT_EQ(service.find_override("e")->value, "f g");
  EXPECT_EQ(service.find_override("h")->value, "$i");
  EXPECT_EQ(service.find_override("y"), nullptr);
  EXPECT_THAT(service.args, ElementsAre("-o", "a=b", "-o", "c=d", "-v", "-o", "e=f g", "-vv", "-v", "-o", "h=$i", "-o",
                                        "c=z", "x", "-o", "y=z"));
  EXPECT_EQ(service.first_operand(), 13U);
  EXPECT_THAT(p.findings, IsEmpty());
}

TEST(MasterCf, RefusesBadFieldsWithPostfixTexts) {
  struct Case {
    const char* line;
    const char* expected;
  };
  const Case cases[] = {
      {"smtp inet n - y - -", "bad field count"},
      {"smtp", "bad field count"},
      {"smtp bar n - y - - smtpd", "invalid type field \"bar\" in \"smtp bar n - y - - smtpd\""},
      {"smtp inet q - y - - smtpd", "invalid private field \"q\" in \"smtp inet q - y - - smtpd\""},
      {"smtp inet n q y - - smtpd", "invalid unprivileged field \"q\" in \"smtp inet n q y - - smtpd\""},
      {"smtp inet n - q - - smtpd", "invalid chroot field \"q\" in \"smtp inet n - q - - smtpd\""},
      {"smtp inet n - yes - - smtpd", "invalid chroot field \"yes\" in \"smtp inet n - yes - - smtpd\""},
      {"smtp inet n - y q - smtpd", "invalid wakeup field \"q\" in \"smtp inet n - y q - smtpd\""},
      {"smtp inet n - y -5 - smtpd", "invalid wakeup field \"-5\" in \"smtp inet n - y -5 - smtpd\""},
      {"smtp inet n - y ? - smtpd", "invalid wakeup field \"?\" in \"smtp inet n - y ? - smtpd\""},
      {"smtp inet n - y - q smtpd", "invalid process_limit field \"q\" in \"smtp inet n - y - q smtpd\""},
      {"smtp inet n - y - 5? smtpd", "invalid process_limit field \"5?\" in \"smtp inet n - y - 5? smtpd\""},
  };
  for (const Case& c : cases) {
    const Parsed p = parse(c.line);
    EXPECT_THAT(p.findings, ElementsAre(std::string("master.cf, line 1: ") + c.expected));
    EXPECT_TRUE(p.failed);
    EXPECT_THAT(p.master.services(), IsEmpty());
  }
}

TEST(MasterCf, WarnsAboutMalformedOptions) {
  struct Case {
    const char* arguments;
    const char* expected;
  };
  const Case cases[] = {
      {"-o", "option -o of service s has no name=value"},
      {"-o a", "missing '=' after attribute name: \"a\" in option -o of service s"},
      {"-o {=a}", "missing attribute name: \"=a\" in option -o of service s"},
      {"-o {a = b", "missing '}' in \"{a = b\""},
      {"-o {a = b}x", "syntax error after '}' in \"{a = b}x\""},
  };
  for (const Case& c : cases) {
    const Parsed p = parse(std::string("s unix - - - - - smtp ") + c.arguments);
    EXPECT_THAT(p.findings, ElementsAre(std::string("master.cf, line 1: ") + c.expected));
    EXPECT_FALSE(p.failed);
  }
}

TEST(MasterCf, UsesTheLastDuplicate) {
  const Parsed p = parse("s unix - - - - - smtp\ns inet n - - - - smtpd\ns unix - - - - - lmtp\n");
  EXPECT_EQ(p.master.find("s", "unix")->command, "lmtp");
  EXPECT_EQ(p.master.find("s", "inet")->command, "smtpd");
  EXPECT_EQ(p.master.find("s", "fifo"), nullptr);
  EXPECT_TRUE(p.master.is_replaced(p.master.services()[0]));
  EXPECT_THAT(p.findings, ElementsAre("master.cf, line 1: duplicate master.cf entry for service \"s\" (unix) -- using "
                                      "the last entry"));
}

TEST(MasterCf, JoinsOptionsThatLostTheirIndentation) {
  const Parsed p = parse("submission inet n - y - - smtpd\n-o a=b\n-o c=d\nx unix - - - - - smtp\n");
  ASSERT_EQ(p.master.services().size(), 2U);
  EXPECT_EQ(p.master.services()[0].find_override("a")->value, "b");
  EXPECT_EQ(p.master.services()[0].find_override("c")->value, "d");
  EXPECT_THAT(p.findings,
              ElementsAre("master.cf, line 2: \"-o a=b\" is not indented: taken as an option of service submission",
                          "master.cf, line 3: \"-o c=d\" is not indented: taken as an option of service submission"));
  EXPECT_FALSE(p.failed);
  EXPECT_TRUE(parse("-o a=b\n").failed);
}

TEST(MasterCf, KeepsThePipeCommandAsOperands) {
  const Parsed p =
      parse("m unix - n n - - pipe\n  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient} { a b }\n");
  const Service& service = p.master.services()[0];
  EXPECT_EQ(service.first_operand(), 0U);
  EXPECT_THAT(service.args,
              ElementsAre("flags=DRXhu", "user=vmail", "argv=/usr/bin/maildrop", "-d", "${recipient}", "a b"));
  EXPECT_TRUE(service.is_delivery_agent());
}

}  // namespace
}  // namespace waypost::config
