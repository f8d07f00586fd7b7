#include "mail/seven_bit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace waypost::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

std::optional<std::string> convert(std::string_view content, std::size_t step = 1'000'000, std::size_t limit = 100) {
  SevenBit converter(limit);
  std::string out;
  bool fit = true;
  for (; !content.empty() && fit; content.remove_prefix(std::min(step, content.size()))) {
    fit = converter.feed(content.substr(0, step), out);
  }
  if (!fit || !converter.finish(out)) return std::nullopt;
  return out;
}

bool is_seven_bit(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

constexpr std::string_view kPlain =
    "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "caf\xc3\xa9 = 1\r\ntrailing \r\nlast";

TEST(SevenBit, ADeclaredEightBitTextBecomesQuotedPrintable) {
  EXPECT_EQ(
      convert(kPlain),
      "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
      "caf=C3=A9 =3D 1\r\ntrailing=20\r\nlast");
}

TEST(SevenBit, WhatIsNotDeclaredPassesUnchanged) {
  for (const std::string_view content :
       {std::string_view("Subject: x\r\n\r\ncaf\xc3\xa9\r\n"), std::string_view("no header at all \xc3\xa9\r\n"),
        std::string_view("Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"), std::string_view(""),
        std::string_view("Content-Type: message/partial\r\n\r\n\xc3\xa9\r\n")}) {
    EXPECT_EQ(convert(content), content);
  }
}

TEST(SevenBit, PartsAreConvertedOneByOneAndContainersRelabelled) {
  const auto out = convert(
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"a (b)\"\r\nContent-Transfer-Encoding: "
      "8bit\r\n"
      "\r\npreamble\r\n"
      "--a (b)\r\nContent-Transfer-Encoding: 8BIT (so it is)\r\n\r\n\xc3\xa9\r\n"
      "--a (b)\r\nContent-Type: text/plain\r\n\r\nplain = text\r\n"
      "--a (b)\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
      "Subject: inner\r\nContent-Transfer-Encoding: binary\r\n\r\nin\xc3\xa9ner\r\n"
      "--a (b)--\r\nepilogue\r\n");
  ASSERT_TRUE(out);
  EXPECT_TRUE(is_seven_bit(*out)) << *out;
  EXPECT_THAT(*out, HasSubstr("boundary=\"a (b)\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\npreamble\r\n"));
  EXPECT_THAT(*out, HasSubstr("--a (b)\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9\r\n--a (b)\r\n"));
  EXPECT_THAT(*out, HasSubstr("\r\n\r\nplain = text\r\n"));
  EXPECT_THAT(*out, HasSubstr("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSubject: inner"));
  EXPECT_THAT(*out, HasSubstr("quoted-printable\r\n\r\nin=C3=A9ner\r\n--a (b)--\r\nepilogue\r\n"));
}

TEST(SevenBit, APartOfADigestIsAMessage) {
  const auto out = convert(
      "Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nContent-Transfer-Encoding: "
      "8bit\r\n\r\n\xc3\xa9\r\n--x--\r\n");
  ASSERT_TRUE(out);
  EXPECT_TRUE(is_seven_bit(*out)) << *out;
}

TEST(SevenBit, ABoundaryThatBeginsLikeAnotherIsNotTaken) {
  const auto out = convert(
      "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Transfer-Encoding: "
      "8bit\r\n\r\n--xy\xc3\xa9\r\n--x--\r\n");
  ASSERT_TRUE(out);
  EXPECT_THAT(*out, HasSubstr("\r\n\r\n--xy=C3=A9\r\n--x--\r\n"));
}

TEST(SevenBit, LinesStayBelowTheLimitOfQuotedPrintable) {
  const auto out =
      convert("Content-Transfer-Encoding: 8bit\r\n\r\n" + std::string(300, 'x') + std::string(300, '\xe9') + "\r\n");
  ASSERT_TRUE(out);
  std::size_t longest = 0;
  for (std::string_view rest = *out; !rest.empty();) {
    const auto end = rest.find("\r\n");
    longest = std::max(longest, end);
    rest.remove_prefix(end + 2);
  }
  EXPECT_LE(longest, 76U);
}

TEST(SevenBit, NestingHasALimit) {
  std::string content;
  for (int depth = 0; depth < 3; ++depth) {
    const auto name = std::string(1, static_cast<char>('a' + depth));
    content += "Content-Type: multipart/mixed; boundary=" + name + "\r\n\r\n--" + name + "\r\n";
  }
  EXPECT_TRUE(convert(content, 1000, 3));
  EXPECT_FALSE(convert(content, 1000, 2));
}

TEST(SevenBit, HowTheContentIsCutMakesNoDifference) {
  std::string content(kPlain);
  content += "\r\n" + std::string(SevenBit::kPieceBytes + 10, '\xe9') + "\r\n" +
             std::string(SevenBit::kPieceBytes - 1, 'y') + "\r\nend";
  const auto whole = convert(content);
  for (const std::size_t step : {1U, 2U, 3U, 7U, 100U, 8191U, 8192U, 8193U})
    EXPECT_EQ(convert(content, step), whole) << step;
}

}  // namespace
}  // namespace waypost::mail
