#include "tables/match_list.h"

#include <gmock/gmock.h>

#include "tables/run_immediate.h"
#include "tables/temporary_files.h"

namespace waypost::tables {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MatchListTest : public ::testing::Test {
 protected:
  // "yes", "no" or the failure's text.
  static std::string shown(const Result<bool>& result) {
    return result ? (*result ? "yes" : "no") : result.error().text;
  }
  std::string match_string(std::string_view list, std::string text) {
    const MatchList matcher("list", list, registry_);
    return shown(run_immediate(matcher.matches_string(std::move(text))));
  }
  std::string match_domain(std::string_view list, std::string text, bool parents) {
    const MatchList matcher("list", list, registry_, {.parent_domains = parents});
    return shown(run_immediate(matcher.matches_domain(std::move(text))));
  }
  std::string match_host(std::string_view list, std::string name, std::string address) {
    const MatchList matcher("mynetworks", list, registry_, {.parent_domains = true});
    return shown(run_immediate(matcher.matches_host(std::move(name), std::move(address))));
  }

  CapturingLog sink_;
  ManualClock clock_;
  TableRegistry registry_{Log(sink_, "test", 1), clock_};
  TemporaryFiles files_;
};

TEST_F(MatchListTest, StringsMatchWholeAndWithoutCase) {
  EXPECT_EQ(match_string("a.example, B.example\tc", "b.EXAMPLE"), "yes");
  EXPECT_EQ(match_string("a.example", "x.a.example"), "no");
  EXPECT_EQ(match_string("", "x"), "no");
}

TEST_F(MatchListTest, FirstMatchDecides) {
  EXPECT_EQ(match_string("!a, a", "a"), "no");
  EXPECT_EQ(match_string("a, !a", "a"), "yes");
  EXPECT_EQ(match_string("!!a", "a"), "yes");
}

TEST_F(MatchListTest, ParentDomainsMatchWhenTheListSaysSo) {
  EXPECT_EQ(match_domain("example.com", "a.b.example.com", true), "yes");
  EXPECT_EQ(match_domain("example.com", "example.com", true), "yes");
  EXPECT_EQ(match_domain("example.com", "badexample.com", true), "no");
  EXPECT_EQ(match_domain("example.com", "a.example.com", false), "no");
  EXPECT_EQ(match_domain(".example.com", "a.example.com", false), "yes");
  EXPECT_EQ(match_domain(".example.com", "example.com", false), "no");
}

struct HostCase {
  std::string_view list, name, address, expected;
};

class HostMatch : public MatchListTest, public ::testing::WithParamInterface<HostCase> {};

TEST_P(HostMatch, Decides) {
  const HostCase& c = GetParam();
  EXPECT_EQ(match_host(c.list, std::string(c.name), std::string(c.address)), c.expected);
}

INSTANTIATE_TEST_SUITE_P(
    All, HostMatch,
    ::testing::Values(
        HostCase{"127.0.0.1/32, 10.0.0.0/8, 192.168.0.0/16", "unknown", "10.9.8.7", "yes"},
        HostCase{"127.0.0.1/32, 10.0.0.0/8, 192.168.0.0/16", "unknown", "192.169.0.1", "no"},
        HostCase{"192.0.2.1", "unknown", "192.0.2.1", "yes"}, HostCase{"192.0.2.1", "unknown", "192.0.2.10", "no"},
        HostCase{"[::1]", "unknown", "::1", "yes"}, HostCase{"[::1]/128 10.0.0.0/8", "unknown", "::1", "yes"},
        HostCase{"[2001:DB8::]/32", "unknown", "2001:db8:1::1", "yes"},
        HostCase{"[2001:db8::]/32", "unknown", "10.0.0.1", "no"},
        HostCase{"!10.0.0.1, 10.0.0.0/8", "unknown", "10.0.0.1", "no"},
        HostCase{"!10.0.0.1, 10.0.0.0/8", "unknown", "10.0.0.2", "yes"},
        HostCase{"example.com", "mail.example.com", "10.0.0.2", "yes"}, HostCase{"example.com", "", "10.0.0.2", "no"},
        HostCase{"static:all", "unknown", "10.0.0.2", "yes"},
        HostCase{"cidr:{{10.0.0.0/8 x}}", "unknown", "10.0.0.2", "yes"},
        HostCase{"cidr:{{10.0.0.0/8 x}}", "unknown", "11.0.0.2", "no"},
        HostCase{
            "10.1.2.3/8", "unknown", "10.0.0.1",
            "mynetworks: non-null host address bits in \"10.1.2.3/8\", perhaps you should use \"10.0.0.0/8\" instead"},
        HostCase{"10.1.2.3/8", "unknown", "::1", "no"}, HostCase{"[::1]/8", "unknown", "10.0.0.1", "no"},
        HostCase{"10.0.0.1, 10.1.2.3/8", "unknown", "10.0.0.1", "yes"},
        HostCase{"10.0.0.0/40", "unknown", "10.0.0.1", "mynetworks: bad mask length in \"10.0.0.0/40\""},
        HostCase{"foo:/x", "unknown", "10.0.0.1", "mynetworks: foo:/x: table lookup problem"},
        HostCase{"!", "unknown", "10.0.0.1", "mynetworks: no pattern after '!'"},
        HostCase{"/nowhere/list", "unknown", "10.0.0.1",
                 "mynetworks: open file /nowhere/list: No such file or directory"}));

TEST_F(MatchListTest, TablesAreAskedForParentsOfNamesOnly) {
  EXPECT_EQ(match_domain("inline:{example.com=x}", "a.example.com", true), "yes");
  EXPECT_EQ(match_domain("inline:{example.com=x}", "a.example.com", false), "no");
  EXPECT_EQ(match_domain("inline:{.example.com=x}", "a.example.com", false), "yes");
  EXPECT_EQ(match_string("inline:{example.com=x}", "a.example.com"), "no");
  EXPECT_EQ(match_string("!inline:{a=x}, a", "a"), "no");
}

TEST_F(MatchListTest, FilesStandForTheirItems) {
  const auto inner = files_.write("inner", "one,two\n  three\n# four\n");
  const auto outer = files_.write("outer", inner + "\nfive !six\n");
  for (const auto name : {"one", "two", "three", "five"}) EXPECT_EQ(match_string(outer, name), "yes") << name;
  for (const auto name : {"four", "six"}) EXPECT_EQ(match_string(outer, name), "no") << name;
  EXPECT_EQ(match_string("!" + outer + ", one", "one"), "no");
  EXPECT_EQ(match_string("!" + outer, "six"), "yes");
}

TEST_F(MatchListTest, AFileThatNamesItselfFails) {
  const auto path = files_.path("loop");
  files_.write("loop", "a " + path + "\n");
  EXPECT_EQ(match_string(path, "a"), "yes");
  EXPECT_THAT(match_string(path, "b"), HasSubstr("too many nested files"));
}

// A list as a running relay keeps it, looked at again when a second has passed.
class FollowedList : public MatchListTest {
 protected:
  std::string matches(const MatchList& list, std::string text) {
    clock_.advance(FollowedFiles::kCheckInterval);
    return shown(run_immediate(list.matches_string(std::move(text))));
  }
};

TEST_F(FollowedList, FilesAreReadAnewWhenTheyChange) {
  const auto inner = files_.write("inner", "one\n");
  const auto outer = files_.write("outer", "zero !" + inner + " two\n");
  const MatchList list("list", outer + " !three four", registry_);
  EXPECT_EQ(matches(list, "one"), "no");
  EXPECT_EQ(matches(list, "two"), "yes");
  files_.write("inner", "two\n");
  EXPECT_EQ(matches(list, "two"), "no");
  files_.write("outer", "three\n");
  EXPECT_EQ(matches(list, "three"), "yes");
  EXPECT_EQ(matches(list, "zero"), "no");
  EXPECT_EQ(matches(list, "four"), "yes");
  EXPECT_TRUE(sink_.contains("list: " + outer + " has changed -- read anew"));
}

TEST_F(FollowedList, FileThatAppearsEndsTheFailure) {
  const auto path = files_.path("late");
  const MatchList list("list", path, registry_);
  EXPECT_EQ(matches(list, "a"), "list: open file " + path + ": No such file or directory");
  files_.write("late", "a\n");
  EXPECT_EQ(matches(list, "a"), "yes");
  EXPECT_TRUE(sink_.contains("list: " + path + " is available now"));
}

TEST_F(FollowedList, FileThatIsGoneKeepsItsItems) {
  const auto path = files_.write("gone", "a\n");
  const MatchList list("list", path, registry_);
  std::filesystem::remove(path);
  EXPECT_EQ(matches(list, "a"), "yes");
  EXPECT_EQ(matches(list, "a"), "yes");
  EXPECT_THAT(sink_.lines(), ElementsAre(HasSubstr(path + ": No such file or directory; keeping the old content")));
}

TEST_F(FollowedList, FileThatIsBeingWrittenIsLeftAlone) {
  const auto path = files_.write("hot", "a b\n");
  const MatchList list("list", path, registry_);
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.wall().time_since_epoch()).count();
  files_.write("hot", "a", now + 1);
  EXPECT_EQ(matches(list, "b"), "yes");
  clock_.advance(FollowedFiles::kRestTime);
  EXPECT_EQ(matches(list, "b"), "no");
}

TEST_F(FollowedList, TablesThatAFileNamesLaterAreOpenedThoughTheRegistryIsGone) {
  auto registry = std::make_unique<TableRegistry>(Log(sink_, "test", 1), clock_);
  const auto path = files_.write("list", "a\n");
  const MatchList list("list", path, *registry);
  registry.reset();
  files_.write("list", "inline:{b=x} foo:/x\n");
  EXPECT_EQ(matches(list, "b"), "yes");
  EXPECT_EQ(matches(list, "c"), "list: foo:/x: table lookup problem");
}

TEST_F(FollowedList, NamesTheProblemsOfItsFiles) {
  const auto path = files_.write("list", "10.1.2.3/8 foo:/x /nowhere\n");
  const MatchList list("list", path, registry_);
  EXPECT_THAT(list.problems(), ElementsAre(HasSubstr("list: non-null host address bits"),
                                           "list: open file /nowhere: No such file or directory",
                                           "foo:/x is unavailable. unsupported dictionary type: foo"));
}

TEST_F(FollowedList, FilesThatNameEachOtherManyTimesAreCutOff) {
  const auto path = files_.path("loop");
  files_.write("loop", "a " + path + " " + path + " " + path + "\n");
  EXPECT_THAT(match_string(path, "b"), HasSubstr("too many nested files"));
}

TEST_F(MatchListTest, NamesItsProblems) {
  const MatchList list("mynetworks", "10.0.0.1 10.1.2.3/8 /nowhere", registry_);
  EXPECT_THAT(list.problems(), ElementsAre(HasSubstr("mynetworks: non-null host address bits in \"10.1.2.3/8\""),
                                           "mynetworks: open file /nowhere: No such file or directory"));
}

}  // namespace
}  // namespace waypost::tables
