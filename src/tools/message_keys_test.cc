#include "tools/message_keys.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace waypost::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> keys_of(std::string_view text, MessageKeyOptions options) {
  std::vector<std::string> keys;
  MessageKeys parts(options, [&](const std::string& key) { keys.push_back(key); });
  bool goes_on = true;
  for (std::string_view rest = text; goes_on && !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    goes_on = parts.feed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  parts.finish();
  return keys;
}

constexpr std::string_view kMultipart =
    "Content-Type: multipart/mixed;\n boundary=\"b\"\n\npreamble\n--b\nX-Part: 1\n\ntext\n--b\n"
    "Content-Type: message/rfc822\n\nSubject: inner\n\nbody\n--b--\nepilogue\n";

TEST(MessageKeys, HeadersAreWholeFields) {
  EXPECT_THAT(keys_of("Subject : a\n b\nTo: c\n\nNot: header\n", {.headers = true}),
              ElementsAre("Subject: a\n b", "To: c"));
}

TEST(MessageKeys, BodyIsLinesAndTheEmptyLineBeforeThem) {
  EXPECT_THAT(keys_of("To: c\n\none\ntwo\n", {.body = true}), ElementsAre("", "one", "two"));
  EXPECT_THAT(keys_of("To: c\nrubbish\n", {.body = true}), ElementsAre("", "rubbish"));
}

TEST(MessageKeys, WithoutMimePartsAreBody) {
  EXPECT_THAT(keys_of(kMultipart, {.headers = true}), ElementsAre("Content-Type: multipart/mixed;\n boundary=\"b\""));
}

TEST(MessageKeys, MimeFindsTheHeadersOfParts) {
  EXPECT_THAT(keys_of(kMultipart, {.headers = true, .mime = true}),
              ElementsAre("Content-Type: multipart/mixed;\n boundary=\"b\"", "X-Part: 1",
                          "Content-Type: message/rfc822", "Subject: inner"));
  EXPECT_THAT(keys_of(kMultipart, {.body = true, .mime = true}),
              ElementsAre("", "preamble", "--b", "", "text", "--b", "", "", "body", "--b--", "epilogue"));
}

TEST(MessageKeys, AFieldGrowsToItsLimitOnly) {
  std::string text = "A: b\n";
  const std::string line = " " + std::string(9'999, 'x') + "\n";
  for (int i = 0; i < 30; ++i) text += line;
  const auto keys = keys_of(text, {.headers = true});
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_LT(keys[0].size(), MessageKeys::kHeaderSizeLimit + line.size() + 1);
  EXPECT_GE(keys[0].size(), MessageKeys::kHeaderSizeLimit);
}

TEST(MessageKeys, NothingInNothing) {
  EXPECT_THAT(keys_of("", {.headers = true, .body = true, .mime = true}), IsEmpty());
}

}  // namespace
}  // namespace waypost::tools
