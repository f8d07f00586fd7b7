#include "tools/sendmail_options.h"

#include <gtest/gtest.h>

namespace waypost::tools {
namespace {

using Words = std::vector<std::string>;

TEST(SendmailOptions, ReadsWhatProgramsUsuallyPass) {
  const auto options = parse_sendmail_options({"-t", "-i", "-fapp@example.com", "-F", "Some App"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->recipients_from_headers);
  EXPECT_FALSE(options->dot_ends_input);
  EXPECT_EQ(options->drop.sender, "app@example.com");
  EXPECT_EQ(options->drop.full_name, "Some App");
}

TEST(SendmailOptions, AcceptsJoinedFlagsAndOtherMailersOptions) {
  const auto options =
      parse_sendmail_options({"-oi", "-oem", "-om", "-odb", "-ti", "-n", "-v", "--", "-odd@example.com"});
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_FALSE(options->dot_ends_input);
  EXPECT_TRUE(options->recipients_from_headers);
  EXPECT_EQ(options->drop.recipients, Words{"-odd@example.com"});
}

TEST(SendmailOptions, NullSenderMayBeWrittenInBothWays) {
  for (const Words& words : {Words{"-f", "<>", "a@b"}, Words{"-f", "", "a@b"}}) {
    const auto options = parse_sendmail_options(words);
    ASSERT_TRUE(options);
    EXPECT_TRUE(options->sender_given);
    EXPECT_EQ(options->drop.sender, "");
    EXPECT_EQ(options->drop.recipients, Words{"a@b"});
  }
}

TEST(SendmailOptions, MistakenWishesAreNotGuessedAt) {
  const auto options = parse_sendmail_options({"-R", "bogus", "-N", "bogus", "a@b"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->warnings, (Words{"bad -R option value -- ignored", "bad -N option value -- ignored"}));
  EXPECT_EQ(options->drop.dsn_return, mail::DsnReturn::unspecified);
  EXPECT_EQ(options->drop.notify, mail::Notify::kNoneGiven);
  const auto encoding = parse_sendmail_options({"-B", "bogus", "a@b"});
  ASSERT_FALSE(encoding);
  EXPECT_EQ(encoding.error().text, "-B option needs 8BITMIME or 7BIT");
  const auto flush = parse_sendmail_options({"-qSexample.org"});
  ASSERT_FALSE(flush);
  EXPECT_EQ(flush.error().text, "-qS is not implemented");
}

TEST(SendmailOptions, MalformedSenderIsAWarning) {
  const auto options = parse_sendmail_options({"-f", "a b", "x@y"});
  ASSERT_TRUE(options);
  EXPECT_FALSE(options->sender_given);
  EXPECT_EQ(options->warnings.size(), 1U);
}

TEST(SendmailOptions, KnowsItsModes) {
  EXPECT_EQ(parse_sendmail_options({"-bp"})->mode, SendmailMode::mailq);
  EXPECT_EQ(parse_sendmail_options({"-q"})->mode, SendmailMode::flush);
  EXPECT_EQ(parse_sendmail_options({"-q30m"})->mode, SendmailMode::flush);
  EXPECT_EQ(parse_sendmail_options({"-qIABCDEF1"})->flush_queue_id, "ABCDEF1");
  EXPECT_FALSE(parse_sendmail_options({"-bt"}));
  EXPECT_FALSE(parse_sendmail_options({"-z"}));
}

TEST(SendmailOptions, ReadsDsnWishes) {
  const auto options = parse_sendmail_options({"-N", "success,delay", "-R", "hdrs", "-V", "env1", "a@b"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->drop.notify, mail::Notify::kSuccess | mail::Notify::kDelay);
  EXPECT_EQ(options->drop.dsn_return, mail::DsnReturn::headers);
  EXPECT_EQ(options->drop.dsn_envid, "env1");
  EXPECT_EQ(parse_sendmail_options({"-N", "sometimes", "a@b"})->warnings.size(), 1U);
}

}  // namespace
}  // namespace waypost::tools
