#include "tools/sendmail_message.h"

#include <gtest/gtest.h>

namespace waypost::tools {
namespace {

using List = std::vector<std::string>;

TEST(SendmailMessage, EndsAtALineWithADot) {
  EXPECT_EQ(until_dot_line("a\n.b\n.\nrest\n"), "a\n.b\n");
  EXPECT_EQ(until_dot_line("a\r\n.\r\n"), "a\r\n");
  EXPECT_EQ(until_dot_line("no dot\n"), "no dot\n");
  EXPECT_EQ(until_dot_line(""), "");
}

TEST(SendmailMessage, TakesRecipientsFromHeadersOnly) {
  EXPECT_EQ(header_recipients("From: me@example.com\nTO: a@example.com,\n\tb@example.com\nCc: C "
                              "<c@example.com>\r\nbcc: d@example.com\n\nTo: no@example.com\n"),
            (List{"a@example.com", "b@example.com", "c@example.com", "d@example.com"}));
}

TEST(SendmailMessage, ResentHeadersTakeThePlaceOfTheOriginals) {
  EXPECT_EQ(header_recipients("Resent-To: x@example.com\nTo: a@example.com\n\n"), List{"x@example.com"});
}

TEST(SendmailMessage, WithoutHeadersThereIsNobody) {
  EXPECT_EQ(header_recipients("just text\nTo: a@example.com\n"), List{});
}

}  // namespace
}  // namespace waypost::tools
