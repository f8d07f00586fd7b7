#include "smtp/reply_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace waypost::smtp {
namespace {

ServerReply parse(std::string_view wire) {
  ReplyParser parser;
  EXPECT_TRUE(parser.next(wire));
  return parser.reply();
}

TEST(ReplyParser, ReadsCodeStatusAndText) {
  const auto reply = parse("250 2.1.5 Ok\r\n");
  EXPECT_EQ(reply.code, 250);
  EXPECT_EQ(reply.dsn, "2.1.5");
  EXPECT_TRUE(reply.dsn_given);
  EXPECT_EQ(reply.text, "250 2.1.5 Ok");
}

TEST(ReplyParser, KeepsTheLinesOfALongReplyAndJoinsThemForTheLog) {
  const auto reply = parse("550-5.1.1 no such\r\n550 5.1.1 user\r\n");
  EXPECT_EQ(reply.text, "550-5.1.1 no such\n550 5.1.1 user");
  EXPECT_EQ(reply.joined(), "550-5.1.1 no such 550 5.1.1 user");
}

struct DsnCase {
  const char* wire;
  const char* dsn;
};

TEST(ReplyParser, StatusFollowsTheReplyCodesClass) {
  for (const auto& [wire, dsn] :
       {DsnCase{"450 5.1.1 x\r\n", "4.0.0"}, DsnCase{"550 x\r\n", "5.0.0"}, DsnCase{"250\r\n", "2.0.0"},
        DsnCase{"354 go\r\n", "5.5.0"}, DsnCase{"550 5.1.1x\r\n", "5.0.0"}, DsnCase{"550  5.7.1 x\r\n", "5.7.1"}}) {
    EXPECT_EQ(parse(wire).dsn, dsn) << wire;
  }
}

// RFC 5321 §4.2.1 wants one code on all lines; where a server mixes them, the last one counts.
TEST(ReplyParser, TheLastLinesCodeCounts) { EXPECT_EQ(parse("250-a\r\n550 b\r\n").code, 550); }

TEST(ReplyParser, TakesAReplyInPartsOfAnySize) {
  const std::string wire = "250-mx.example\r\n250-SIZE 10\r\n250 DSN\r\n";
  for (std::size_t step = 1; step <= wire.size(); ++step) {
    ReplyParser parser;
    bool complete = false;
    for (std::size_t at = 0; at < wire.size(); at += step) {
      auto part = std::string_view(wire).substr(at, step);
      complete = parser.next(part);
    }
    EXPECT_TRUE(complete) << step;
    EXPECT_EQ(parser.reply().text, "250-mx.example\n250-SIZE 10\n250 DSN") << step;
  }
}

TEST(ReplyParser, GivesPipelinedRepliesOneByOne) {
  std::string_view in = "250 a\r\n550 b\r\n354 c\r\n";
  ReplyParser parser;
  std::vector<int> codes;
  while (parser.next(in)) codes.push_back(parser.reply().code);
  EXPECT_EQ(codes, (std::vector{250, 550, 354}));
  EXPECT_FALSE(parser.in_reply());
}

TEST(ReplyParser, WhatIsNoReplyIsMalformed) {
  for (const auto* wire :
       {"hello\r\n", "25 x\r\n", "2500 x\r\n", "199 x\r\n", "600 x\r\n", "\r\n", "250+x\r\n", "SSH-2.0-OpenSSH\r\n"}) {
    EXPECT_EQ(parse(wire).malformed, ServerReply::Malformed::not_a_reply) << wire;
    EXPECT_EQ(parse(wire).code, 0);
  }
}

TEST(ReplyParser, CutsALongLineAtTheLimit) {
  const std::string at_limit = "250 " + std::string(kMaxServerLineBytes - 4, 'x');
  EXPECT_EQ(parse(at_limit + "\r\n").text, at_limit);
  EXPECT_EQ(parse(at_limit + "y\r\n").text, at_limit);
}

TEST(ReplyParser, DoesNotWaitForTheEndOfAnEndlessLine) {
  ReplyParser parser;
  const std::string chunk(16 * 1024, 'x');
  bool complete = false;
  for (int i = 0; i < 5 && !complete; ++i) {
    std::string_view in = chunk;
    complete = parser.next(in);
  }
  EXPECT_TRUE(complete);
  EXPECT_EQ(parser.reply().malformed, ServerReply::Malformed::endless_line);
}

TEST(ReplyParser, EndsAnEndlessReply) {
  const auto lines = [](std::size_t count) {
    std::string wire;
    for (std::size_t i = 1; i < count; ++i) wire += "250-x\r\n";
    return wire + "250 x\r\n";
  };
  EXPECT_EQ(parse(lines(kMaxServerReplyLines)).malformed, ServerReply::Malformed::no);
  EXPECT_EQ(parse(lines(kMaxServerReplyLines + 1)).malformed, ServerReply::Malformed::too_many_lines);
}

TEST(ReplyParser, KeepsNoMoreTextThanItsLimit) {
  std::string wire;
  for (int i = 0; i < 20; ++i) wire += "250-" + std::string(1000, 'x') + "\r\n";
  EXPECT_LE(parse(wire + "250 end\r\n").text.size(), kMaxServerReplyBytes);
}

TEST(ReplyParser, ReplacesWhatCannotBePrinted) { EXPECT_EQ(parse("250 a\x1b[\xc3\r\n").text, "250 a?[?"); }

}  // namespace
}  // namespace waypost::smtp
