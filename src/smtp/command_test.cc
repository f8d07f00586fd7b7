#include "smtp/command.h"

#include <gtest/gtest.h>

#include "smtp/esmtp_parameters.h"

namespace waypost::smtp {
namespace {

std::string words(std::string_view line) {
  const Command command = parse_command(line);
  std::string out;
  for (std::size_t i = 0; i < command.count; ++i) out.append(i > 0 ? "|" : "").append(command.words[i]);
  return out;
}

TEST(Command, SplitsAsPostfixDoes) {
  EXPECT_EQ(words("MAIL FROM:<a@b> SIZE=1"), "MAIL|FROM:|<a@b>|SIZE=1");
  EXPECT_EQ(words("  mail  from: <a@b>\t X "), "mail|from:|<a@b>|X");
  EXPECT_EQ(words("MAIL FROM:a@b"), "MAIL|FROM:|a@b");
  EXPECT_EQ(words("MAIL FROM :<a@b>"), "MAIL|FROM|:<a@b>");
  EXPECT_EQ(words("RCPT TO:<\"a > b\"@c> X"), "RCPT|TO:|<\"a > b\"@c>|X");
  EXPECT_EQ(words("RCPT TO:\"a b\"@c"), "RCPT|TO:|\"a b\"@c");
  EXPECT_EQ(words("RCPT TO:a\\ b@c"), "RCPT|TO:|a\\ b@c");
  EXPECT_EQ(words("x <a <b c> d> e"), "x|<a <b c> d>|e");
  EXPECT_EQ(words(""), "");
  EXPECT_EQ(words(" \t "), "");
  EXPECT_EQ(words("a\\"), "a\\");
}

TEST(Command, KnowsVerbsInAnyCase) {
  EXPECT_EQ(parse_command("eHlO x").verb, Verb::ehlo);
  EXPECT_EQ(parse_command("UNKNOWN").verb, Verb::unknown);
  EXPECT_EQ(parse_command("MAILX").verb, Verb::unknown);
  EXPECT_EQ(parse_command("").verb, Verb::unknown);
}

TEST(Command, TellsWhichWordIsNotClosed) {
  EXPECT_EQ(parse_command("MAIL FROM:<a@b").unbalanced, 2U);
  EXPECT_EQ(parse_command("MAIL FROM:<a@b> \"x").unbalanced, 3U);
  EXPECT_EQ(parse_command("MAIL FROM:<a@b>").unbalanced, kMaxCommandWords);
  EXPECT_EQ(parse_command("x " + std::string(1000, '<') + std::string(1000, '>')).unbalanced, 1U);
}

TEST(Command, KeepsTheRestInTheLastWord) {
  std::string line = "EHLO";
  for (std::size_t i = 1; i < kMaxCommandWords; ++i) line += " w";
  EXPECT_EQ(parse_command(line).count, kMaxCommandWords);
  EXPECT_EQ(parse_command(line).words.back(), "w");
  EXPECT_EQ(parse_command(line + " x  y").count, kMaxCommandWords);
  EXPECT_EQ(parse_command(line + " x  y").words.back(), "w x  y");
  EXPECT_EQ(parse_command("EHLO a   b").joined(1), "a b");
}

TEST(Command, RecognisesHeaders) {
  EXPECT_TRUE(looks_like_header("Subject:"));
  EXPECT_TRUE(looks_like_header("X-Y:z"));
  EXPECT_FALSE(looks_like_header(":x"));
  EXPECT_FALSE(looks_like_header("GET"));
}

TEST(Xtext, RoundTripsAndRefusesMalformedText) {
  const std::string all = "a+b=c d\x80\t~!";
  EXPECT_EQ(encode_xtext("a+b=c d"), "a+2Bb+3Dc+20d");
  EXPECT_EQ(decode_xtext(encode_xtext(all)), all);
  for (const char* bad : {"+", "+2", "+2b", "+GG", "a=b", "a b", "\x80"}) EXPECT_FALSE(decode_xtext(bad)) << bad;
}

TEST(EsmtpParameters, HoldTheirLimits) {
  const auto envid = [](std::size_t size) {
    const std::string line = "MAIL FROM:<> ENVID=" + std::string(size, 'x');
    return parse_mail_parameters(parse_command(line), 3, {}).has_value();
  };
  EXPECT_TRUE(envid(kMaxEnvidBytes));
  EXPECT_FALSE(envid(kMaxEnvidBytes + 1));
  const auto orcpt = [](std::size_t size) {
    const std::string line = "RCPT TO:<a> ORCPT=rfc822;" + std::string(size - 7, 'x');
    return parse_rcpt_parameters(parse_command(line), 3, {}).has_value();
  };
  EXPECT_TRUE(orcpt(kMaxOrcptBytes));
  EXPECT_FALSE(orcpt(kMaxOrcptBytes + 1));
}

}  // namespace
}  // namespace waypost::smtp
