#include "smtp/line_reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace waypost::smtp {
namespace {

struct Read {
  std::string text;
  Line::Status status;
  bool bare;
  bool operator==(const Read&) const = default;
};

std::vector<Read> read_all(std::string_view wire, std::size_t cut, std::size_t limit) {
  LineReader reader;
  std::vector<Read> lines;
  for (; !wire.empty(); wire.remove_prefix(std::min(cut, wire.size()))) {
    const std::string chunk(wire.substr(0, cut));
    std::string_view in = chunk;
    while (auto line = reader.next(in, limit)) {
      lines.push_back({std::string(line->text), line->status, line->bare_newline});
      if (line->status == Line::Status::endless) return lines;
    }
    EXPECT_TRUE(in.empty());
  }
  return lines;
}

constexpr auto kOk = Line::Status::ok;

TEST(LineReader, SplitsHoweverTheInputIsCut) {
  const std::string_view wire = "EHLO a\r\n\r\nNOOP\nx\r\r\n\nrest";
  const std::vector<Read> expected = {
      {"EHLO a", kOk, false}, {"", kOk, false}, {"NOOP", kOk, true}, {"x\r", kOk, false}, {"", kOk, true}};
  for (std::size_t cut = 1; cut <= wire.size(); ++cut) EXPECT_EQ(read_all(wire, cut, 100), expected) << cut;
}

TEST(LineReader, AcceptsALineAtTheLimitAndNotOneMore) {
  const std::string at(9, 'x');
  const std::string over(10, 'x');
  for (std::size_t cut = 1; cut <= 15; ++cut) {
    EXPECT_EQ(read_all(at + "\r\n", cut, 10), (std::vector<Read>{{at, kOk, false}})) << cut;
    EXPECT_EQ(read_all(at + "\n", cut, 10), (std::vector<Read>{{at, kOk, true}})) << cut;
    EXPECT_EQ(read_all(over + "\r\n", cut, 10)[0].status, Line::Status::too_long) << cut;
    EXPECT_EQ(read_all(over + "\n", cut, 10)[0].status, Line::Status::too_long) << cut;
  }
}

TEST(LineReader, ReadsOnAfterALineThatWasTooLong) {
  const std::string wire = std::string(19, 'x') + "\r\nNOOP\r\n";
  for (std::size_t cut = 1; cut <= wire.size(); ++cut) {
    const auto lines = read_all(wire, cut, 10);
    ASSERT_EQ(lines.size(), 2U) << cut;
    EXPECT_EQ(lines[0].status, Line::Status::too_long);
    EXPECT_EQ(lines[0].text, "xxxxxxxxxx");
    EXPECT_EQ(lines[1].text, "NOOP");
  }
}

TEST(LineReader, GivesUpOnAnEndlessLine) {
  for (std::size_t cut = 1; cut <= 30; ++cut) {
    const auto lines = read_all(std::string(30, 'x') + "\r\n", cut, 10);
    ASSERT_EQ(lines.size(), 1U) << cut;
    EXPECT_EQ(lines[0].status, Line::Status::endless);
  }
}

TEST(LineReader, HoldsNothingBetweenLines) {
  LineReader reader;
  std::string_view in = "NO";
  EXPECT_FALSE(reader.next(in));
  EXPECT_FALSE(reader.empty());
  in = "OP\r\n";
  EXPECT_EQ(reader.next(in)->text, "NOOP");
  EXPECT_TRUE(reader.empty());
}

}  // namespace
}  // namespace waypost::smtp
