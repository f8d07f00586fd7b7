#include "base/text.h"

#include <gtest/gtest.h>

namespace waypost {
namespace {

TEST(Text, SplitsOnAnySeparatorAndDropsEmptyWords) {
  EXPECT_EQ(split(" a, b,,c ", ", "), (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_TRUE(split(" ,, ", ", ").empty());
}

TEST(Text, ParsesOnlyPlainDecimalNumbers) {
  EXPECT_EQ(parse_number("18446744073709551615"), UINT64_MAX);
  EXPECT_FALSE(parse_number("18446744073709551616"));
  EXPECT_FALSE(parse_number(""));
  EXPECT_FALSE(parse_number("-1"));
  EXPECT_FALSE(parse_number("1 "));
  EXPECT_FALSE(parse_number("11", 10));
}

TEST(Text, Base64RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST(Text, Base64RefusesMalformedInput) {
  for (const char* bad : {"A", "AB", "ABC", "A===", "====", "AB=C", "AAAA=", "AA==AAAA", "A B="}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
  EXPECT_EQ(base64_decode(""), "");
}

TEST(Text, PrintableReplacesControlAndNonAsciiBytes) { EXPECT_EQ(printable("a\r\n\xc3\xa9z"), "a????z"); }

}  // namespace
}  // namespace waypost
