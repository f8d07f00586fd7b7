#include "tables/alias_source.h"

#include <gmock/gmock.h>

namespace waypost::tables {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AliasSourceTest : public ::testing::Test {
 protected:
  // "name=value" of each row.
  std::vector<std::string> read(std::string_view text, bool utf8 = false) {
    warnings_.clear();
    std::vector<std::string> rows;
    for_each_alias(text, "/f", utf8, warnings_, [&](const AliasRow& row) {
      rows.push_back(row.name + "=" + row.value);
      return true;
    });
    return rows;
  }
  std::vector<std::string> warnings_;
};

TEST_F(AliasSourceTest, ReadsNamesAndValues) {
  EXPECT_THAT(read("# comment\nroot: admin\npostmaster:root, abuse,\n  hostmaster\n\nlist: a  b\n"),
              ElementsAre("root=admin", "postmaster=root, abuse, hostmaster", "list=a b"));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(AliasSourceTest, ReadsFilesCommandsAndLists) {
  EXPECT_THAT(read("a: :include:/etc/list\nb: \"|/usr/bin/x -a 'b c'\"\nc: /var/mail/c\nd: |prog\n"
                   "e: \"|say \\\"hi\\\"\"\n"),
              ElementsAre("a=:include:/etc/list", "b=\"|/usr/bin/x -a 'b c'\"", "c=/var/mail/c", "d=|prog",
                          "e=\"|say \\\"hi\\\"\""));
}

TEST_F(AliasSourceTest, QuotesGoFromNamesAndStayInValues) {
  EXPECT_THAT(read("\"a b\": \"c d\"@example.com\nx\\ y: z\\,1\n\"\": \"\"\nJohn (the \\) best) Doe: jd\n"),
              ElementsAre("a b=\"c d\"@example.com", "x y=\"z,1\"", "=\"\"", "John (the \\) best) Doe=jd"));
}

TEST_F(AliasSourceTest, AddressesKeepTheirForm) {
  EXPECT_THAT(read("a: b@[10.0.0.1], Name <c@d.example>, e%f@g\n"),
              ElementsAre("a=b@[10.0.0.1], Name <c@d.example>, e%f@g"));
}

TEST_F(AliasSourceTest, SkipsWhatIsNoAlias) {
  EXPECT_THAT(read("word\n: x\na:\na, b: c\na@b: c\na%b: c\n\xff: x\ngood: x\n", true), ElementsAre("good=x"));
  EXPECT_THAT(warnings_, ElementsAre("/f, line 1: need name:value pair", "/f, line 2: need name:value pair",
                                     "/f, line 3: need name:value pair", "/f, line 4: need name:value pair",
                                     "/f, line 5: name must be local", "/f, line 6: name must be local",
                                     "/f, line 7: non-UTF-8 input \"?: x\" -- ignoring this line"));
}

TEST_F(AliasSourceTest, UnfinishedTokensEndWithTheLine) {
  EXPECT_THAT(read("a: \"b\nc: (d\ne: [f\ng: h\\\n"), ElementsAre("a=\"b\"", "c=(d", "e=[f]", "g=h"));
}

TEST(AliasSource, IsToldFromOtherTables) {
  for (const char* aliases :
       {"postmaster: root\n", "# c\npostmaster:    root\nroot:me\n\"a b\" : x, y\nlist: :include:/etc/list\n",
        "a: b,\n  c d\n"}) {
    EXPECT_TRUE(is_alias_source(aliases)) << aliases;
  }
  for (const char* others : {"", "# c\n", "user@example.com other\n", "smtp.example.com:587 user:password\n",
                             "[smtp.example.com]:587 user:password\n", "example.com smtp:[1.2.3.4]\n",
                             "postmaster: root\nexample.com smtp:\n", "/^X-Php:/ IGNORE\n", "name:\n", "\"open: x\n"}) {
    EXPECT_FALSE(is_alias_source(others)) << others;
  }
}

}  // namespace
}  // namespace waypost::tables
