#include "smtp/line_folder.h"

#include <gtest/gtest.h>

namespace waypost::smtp {
namespace {

std::string fold(std::string_view content, std::size_t limit, std::size_t step = 1'000'000) {
  LineFolder folder(limit);
  std::string out;
  for (; !content.empty(); content.remove_prefix(std::min(step, content.size()))) {
    folder.fold(content.substr(0, step), out);
  }
  folder.finish(out);
  return out;
}

TEST(LineFolder, BreaksLinesOverTheLimitAndNoOthers) {
  struct Case {
    std::string_view in, out;
  };
  constexpr Case cases[] = {
      {"", ""},
      {"12345\r\n", "12345\r\n"},
      {"123456\r\n", "12345\r\n 6\r\n"},
      {"123456789\r\n", "12345\r\n 6789\r\n"},
      {"1234567890\r\n1\r\n", "12345\r\n 6789\r\n 0\r\n1\r\n"},
      {"123456", "12345\r\n 6"},
      {"12345\r6\r\n", "12345\r\n \r6\r\n"},
      {"12345\r", "12345\r\n \r"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(fold(one.in, 5), one.out);
    for (std::size_t step = 1; step < 8; ++step) EXPECT_EQ(fold(one.in, 5, step), one.out) << step;
  }
}

TEST(LineFolder, TheSmallestLimitStillEnds) { EXPECT_EQ(fold("abcd\r\n", 1), "ab\r\n c\r\n d\r\n"); }

TEST(HasLongLine, KnowsTheLimitToTheByte) {
  const std::string exact(998, 'x'), over(999, 'x');
  EXPECT_FALSE(has_long_line("", 998));
  EXPECT_FALSE(has_long_line(exact, 998));
  EXPECT_FALSE(has_long_line(exact + "\r\n" + exact + "\r\n", 998));
  EXPECT_TRUE(has_long_line(over, 998));
  EXPECT_TRUE(has_long_line(over + "\r\n", 998));
  EXPECT_TRUE(has_long_line(exact + "\r", 998));
  EXPECT_TRUE(has_long_line("a\r\n" + exact + "\r\n" + over + "\r\nb\r\n", 998));
  std::string ordinary;
  for (int i = 0; i < 200; ++i) ordinary += std::string(static_cast<std::size_t>(i) % 80, 'y') + "\r\n";
  EXPECT_FALSE(has_long_line(ordinary, 998));
  EXPECT_TRUE(has_long_line(ordinary + over + "\r\n" + ordinary, 998));
  EXPECT_FALSE(has_long_line("1\n345\n78\r\n", 5));
  EXPECT_TRUE(has_long_line("123456\n", 5));
}

}  // namespace
}  // namespace waypost::smtp
