#include "tables/source_file.h"

#include <gmock/gmock.h>

#include <utility>

namespace waypost::tables {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

struct Read {
  std::vector<std::pair<std::string, std::string>> rows;
  std::vector<int> lines;
  std::vector<std::string> warnings;
};

Read read(std::string_view text, RowOptions options = {}) {
  Read result;
  for_each_row(text, "/f", options, result.warnings, [&](const Row& row) {
    result.rows.emplace_back(row.key, row.value);
    result.lines.push_back(row.line);
    return true;
  });
  return result;
}

TEST(SourceFile, ReadsKeyBlankValue) {
  const Read result = read("a b\nkey\t two words \r\nlast value");
  EXPECT_THAT(result.rows, ElementsAre(Pair("a", "b"), Pair("key", "two words"), Pair("last", "value")));
  EXPECT_THAT(result.lines, ElementsAre(1, 2, 3));
  EXPECT_THAT(result.warnings, IsEmpty());
}

TEST(SourceFile, JoinsContinuationLinesAndDropsCommentsInside) {
  const Read result = read("# head\n\na one\n  two\n# comment inside\n\n\tthree\n   # indented comment\n four\nb x\n");
  EXPECT_THAT(result.rows, ElementsAre(Pair("a", "one  two\tthree four"), Pair("b", "x")));
  EXPECT_THAT(result.lines, ElementsAre(3, 10));
}

TEST(SourceFile, CommentsEndNothingAndHashInsideIsText) {
  const Read result = read("a x # y\nb#c d\n");
  EXPECT_THAT(result.rows, ElementsAre(Pair("a", "x # y"), Pair("b#c", "d")));
}

TEST(SourceFile, KeepsQuotesAroundKeysWithBlanks) {
  const Read result = read("\"a b\"@c d\n\"x\\\" y\" z\na\\ b c\n");
  EXPECT_THAT(result.rows, ElementsAre(Pair("\"a b\"@c", "d"), Pair("\"x\\\" y\"", "z"), Pair("a\\ b", "c")));
}

struct Malformed {
  std::string_view text, warning;
};

class MalformedSource : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedSource, IsSkippedWithAWarning) {
  const Read result = read(std::string(GetParam().text) + "\ngood row\n");
  EXPECT_THAT(result.rows, ElementsAre(Pair("good", "row")));
  EXPECT_THAT(result.warnings, ElementsAre(GetParam().warning));
}

INSTANTIATE_TEST_SUITE_P(
    All, MalformedSource,
    ::testing::Values(
        Malformed{"key", "/f, line 1: expected format: key whitespace value"},
        Malformed{"key   ", "/f, line 1: expected format: key whitespace value"},
        Malformed{"\n# x\nkey", "/f, line 3: expected format: key whitespace value"},
        Malformed{"\"open key", "/f, line 1: unbalanced '\"' in '\"open key' -- ignoring this line"},
        Malformed{" starts with blank", "/f: logical line must not start with whitespace: \" starts with blank\""},
        Malformed{"\t0123456789012345678901234567890123456789",
                  "/f: logical line must not start with whitespace: \"\t01234567890123456789012345678...\""},
        Malformed{"\\", "/f, line 1: expected format: key whitespace value"}));

TEST(SourceFile, KeepsAliasRowsWithAWarning) {
  const Read result = read("/^X-Originating-IP:/ IGNORE\nuser: other\n");
  EXPECT_THAT(result.rows, ElementsAre(Pair("/^X-Originating-IP:/", "IGNORE"), Pair("user:", "other")));
  EXPECT_THAT(result.warnings, ElementsAre("/f, line 2: record is in \"key: value\" format; is this an alias file?"));
}

TEST(SourceFile, CutsAtANulByte) {
  const Read result = read(std::string_view("a b\0c\nd e\n", 10));
  EXPECT_THAT(result.rows, ElementsAre(Pair("a", "b"), Pair("d", "e")));
  EXPECT_THAT(result.warnings, ElementsAre("/f, line 1: text after null byte may be ignored"));
}

TEST(SourceFile, RefusesWhatIsNotUtf8WhenAsked) {
  EXPECT_THAT(read("a \xff\n", {.utf8 = true}).rows, IsEmpty());
  EXPECT_THAT(read("a \xff\n").rows, ElementsAre(Pair("a", "\xff")));
}

TEST(Utf8, KnowsTheFormsOfRfc3629) {
  for (const std::string_view good : {"", "abc", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const std::string_view bad :
       {"\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\x80", "a\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

}  // namespace
}  // namespace waypost::tables
