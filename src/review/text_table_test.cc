#include "review/text_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace waypost::review {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<std::string> rows(const std::optional<TextTable>& table) {
  std::vector<std::string> out;
  if (!table) return {"no table"};
  for (const TableRow& row : table->rows) out.push_back(std::to_string(row.line) + " " + row.key + " = " + row.value);
  return out;
}

TEST(TextTable, HasFoldedKeysAndLines) {
  const auto table = parse_table_text("hash", "/t", "# head\nExample.ORG smtp:[x]\n\"a b\" c\n  d\nbroken\n");
  EXPECT_THAT(rows(table), ElementsAre("2 example.org = smtp:[x]", "3 a b = c  d"));
  EXPECT_THAT(table->warnings, SizeIs(1));
}

TEST(TextTable, KeepsPatternsAsTheyAre) {
  EXPECT_THAT(rows(parse_table_text("regexp", "/t", "/^A b/i REJECT x\nif /x/\n!/a\\/b/ OK\nendif\n")),
              ElementsAre("1 /^A b/i = REJECT x", "3 !/a\\/b/ = OK"));
  EXPECT_THAT(rows(parse_table_text("cidr", "/t", "10.0.0.0/8 OK\n")), ElementsAre("1 10.0.0.0/8 = OK"));
}

TEST(TextTable, StandsInTheParameterToo) {
  EXPECT_THAT(rows(read_text_table("inline:{a=b, {C = d e}}")), ElementsAre("0 a = b", "0 c = d e"));
  EXPECT_THAT(rows(read_text_table("static:{x y}")), ElementsAre("0  = x y"));
}

TEST(TextTable, IsNoneWhereTheTypeIsNoTextOrTheFileIsMissing) {
  EXPECT_FALSE(read_text_table("mysql:/etc/postfix/x.cf"));
  EXPECT_FALSE(read_text_table("hash:/no/such/file"));
  EXPECT_FALSE(read_text_table("permit"));
}

TEST(TextTable, IsNotReviewedAboveItsLimit) {
  std::string text;
  for (std::size_t i = 0; i < kMaxReviewedRows; ++i) text += "k" + std::to_string(i) + " v\n";
  EXPECT_TRUE(parse_table_text("hash", "/t", text));
  EXPECT_FALSE(parse_table_text("hash", "/t", text + "one more\n"));
}

TEST(TableReferences, NameEachTableOnceWithItsFirstPlace) {
  config::Configuration configuration;
  config::Findings ignored;
  configuration.main = config::parse_main_cf(
      "relay_domains = $more, hash:/b\nmore = proxy:hash:/a\nsmtpd_milters = inet:x:1\n", "main.cf", ignored);
  configuration.master =
      config::parse_master_cf("smtp inet n - n - - smtpd -o mynetworks=cidr:/c,[::1]\n", "master.cf", ignored);
  std::vector<std::string> found;
  for (const auto& table : table_references(configuration)) {
    found.push_back(table.name() + " " + table.parameter + " " + table.file + ":" + std::to_string(table.line));
  }
  EXPECT_THAT(found, ElementsAre("hash:/a more main.cf:2", "hash:/b relay_domains main.cf:1",
                                 "cidr:/c mynetworks master.cf:1"));
}

TEST(TableWord, IsNoAddressAndNoEndpoint) {
  EXPECT_FALSE(parse_table_word("[::1]"));
  EXPECT_FALSE(parse_table_word("inet:127.0.0.1:25"));
  EXPECT_EQ(parse_table_word("proxy:cidr:/x")->name(), "cidr:/x");
}

}  // namespace
}  // namespace waypost::review
