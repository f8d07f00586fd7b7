#include "report/template.h"

#include <gtest/gtest.h>

namespace waypost::report {
namespace {

TEST(Templates, AreReadAsBouncePagesDescribeThem) {
  const auto read = parse_templates(
      "# a comment\n\nfailure_template = <<EOF\nCharset: utf-8\nFrom: MAILER-DAEMON (x)\nSubject: S\n"
      "Postmaster-Subject: P\n\nHello $myhostname\n\n# no comment \xc3\xa4\nEOF\n"
      "delay_template=<<END\r\nSubject: D\r\n\r\ntext\r\nEND\r\nverify_template = << X\nSubject: V\n\nX");
  ASSERT_TRUE(read) << read.error().text;
  ASSERT_TRUE(read->failure);
  EXPECT_EQ(*read->failure, (Template{.charset = "utf-8",
                                      .from = "MAILER-DAEMON (x)",
                                      .subject = "S",
                                      .postmaster_subject = "P",
                                      .text = "Hello $myhostname\n\n# no comment \xc3\xa4\n"}));
  ASSERT_TRUE(read->delay);
  EXPECT_EQ(read->delay->text, "text\n");
  EXPECT_FALSE(read->success);
}

TEST(Templates, MistakesAreNamedWithTheirLine) {
  struct Case {
    std::string_view file, error;
  };
  constexpr Case cases[] = {
      {"failure_template\n", "line 1: expected: NAME_template = <<WORD"},
      {"failure_template = text\n", "line 1: expected: NAME_template = <<WORD"},
      {"failure_template = <<\n", "line 1: expected: NAME_template = <<WORD"},
      {"other_template = <<E\nSubject: x\n\nE\n", "line 4: unknown template name: other_template"},
      {"failure_template = <<E\nTo: x\n\nE\n", "line 2: unknown header: To: x"},
      {"failure_template = <<E\nSubject:\n\nE\n", "line 2: empty header: Subject"},
      {"failure_template = <<E\nSubject: \xc3\xa4\n\nE\n", "line 2: non-ASCII text in header: Subject"},
      {"failure_template = <<E\nSubject: x\nE\n", "line 3: no empty line between headers and text"},
      {"failure_template = <<E\nSubject: x\n\n\xc3\xa4\nE\n", "line 4: 8-bit text needs a Charset: header"},
      {"failure_template = <<E\nSubject: x\n\ntext\n", "line 4: the text has no end: E"},
  };
  for (const auto& one : cases) {
    const auto read = parse_templates(one.file);
    ASSERT_FALSE(read) << one.file;
    EXPECT_EQ(read.error().text, one.error);
  }
  EXPECT_FALSE(parse_templates(std::string(kMaxTemplateFile + 1, '\n')));
  EXPECT_TRUE(parse_templates(std::string(kMaxTemplateFile, '\n')));
}

}  // namespace
}  // namespace waypost::report
