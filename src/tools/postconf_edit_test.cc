#include "tools/postconf_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/postconf_layout.h"

namespace waypost::tools {
namespace {

using ::testing::ElementsAre;

PostconfRequest request(PostconfSubject subject, PostconfAction action, std::vector<std::string> words) {
  PostconfRequest made;
  made.subject = subject;
  made.action = action;
  made.words = std::move(words);
  return made;
}

std::string main_after(std::string_view text, PostconfAction action, std::vector<std::string> words) {
  Warnings warnings;
  const auto edited =
      edit_main_cf(text, "main.cf", request(PostconfSubject::parameters, action, std::move(words)), warnings);
  return edited ? *edited : "error: " + edited.error().text;
}

std::string master_after(std::string_view text, PostconfSubject subject, PostconfAction action,
                         std::vector<std::string> words) {
  Warnings warnings;
  const auto edited = edit_master_cf(text, "master.cf", request(subject, action, std::move(words)), warnings);
  return edited ? *edited : "error: " + edited.error().text;
}

constexpr std::string_view kMain = "# head\na = 1\n  more\n  # inside\nb = 2\n";

TEST(PostconfEdit, ReplacesInPlaceAndAppendsTheRest) {
  EXPECT_EQ(main_after(kMain, PostconfAction::edit, {"a=x y", "c = 3"}), "# head\na = x y\n  # inside\nb = 2\nc = 3\n");
  EXPECT_EQ(main_after("a = 1", PostconfAction::edit, {"b="}), "a = 1\nb = \n");
  EXPECT_EQ(main_after("", PostconfAction::edit, {"z=1", "y=2"}), "y = 2\nz = 1\n");
}

TEST(PostconfEdit, RemovesAndCommentsOutWholeLogicalLines) {
  EXPECT_EQ(main_after(kMain, PostconfAction::remove, {"a"}), "# head\n  # inside\nb = 2\n");
  EXPECT_EQ(main_after(kMain, PostconfAction::comment_out, {"a"}), "# head\n#a = 1\n#  more\n  # inside\nb = 2\n");
  EXPECT_EQ(main_after(kMain, PostconfAction::remove, {"nope"}), kMain);
}

TEST(PostconfEdit, TakesWordsThatLostTheirIndentationAlong) {
  EXPECT_EQ(main_after("a =\npermit,\nreject\nb = 2\n", PostconfAction::edit, {"a=x"}), "a = x\nb = 2\n");
  EXPECT_EQ(main_after("a = permit\nreject\nb = 2\n", PostconfAction::edit, {"a=x"}), "a = x\nreject\nb = 2\n");
  EXPECT_EQ(main_after("x_restrictions = permit, # why\nreject\n", PostconfAction::remove, {"x_restrictions"}), "");
}

TEST(PostconfEdit, RefusesWhatItCannotWrite) {
  EXPECT_EQ(main_after(kMain, PostconfAction::edit, {"a"}), "error: missing '=' after attribute name: \"a\"");
  EXPECT_EQ(main_after(kMain, PostconfAction::edit, {"=a"}), "error: missing attribute name: \"=a\"");
  EXPECT_EQ(main_after(kMain, PostconfAction::edit, {"a=1\nb=2"}), "error: -e, -X, or -# accepts no multi-line input");
  EXPECT_EQ(main_after(kMain, PostconfAction::edit, {"#a=1"}), "error: -e, -X, or -# accepts no comment input");
  EXPECT_EQ(main_after(kMain, PostconfAction::remove, {"a=1"}),
            "error: -X or -# requires parameter names without value");
}

TEST(PostconfEdit, WarnsAboutSeveralEntriesAndRequests) {
  Warnings warnings;
  const auto edited =
      edit_main_cf("a = 1\na = 2\n", "main.cf",
                   request(PostconfSubject::parameters, PostconfAction::edit, {"a=3", "a=4"}), warnings);
  ASSERT_TRUE(edited);
  EXPECT_EQ(*edited, "a = 4\na = 4\n");
  EXPECT_THAT(warnings, ElementsAre("ignoring earlier request: 'a = 3'", "main.cf: multiple entries for \"a\""));
}

constexpr std::string_view kMaster = "smtp inet n - y - - smtpd\n# c\nrelay unix - - y - - smtp\n  -o a=b\n";

TEST(PostconfEdit, EditsServices) {
  EXPECT_EQ(
      master_after(kMaster, PostconfSubject::services, PostconfAction::edit, {"smtp/inet = smtp inet n - n - - smtpd"}),
      "smtp       inet  n       -       n       -       -       smtpd\n# c\nrelay unix - - y - - smtp\n  -o a=b\n");
  EXPECT_EQ(master_after(kMaster, PostconfSubject::services, PostconfAction::remove, {"relay/unix"}),
            "smtp inet n - y - - smtpd\n# c\n");
  EXPECT_EQ(master_after(kMaster, PostconfSubject::services, PostconfAction::comment_out, {"relay/unix"}),
            "smtp inet n - y - - smtpd\n# c\n#relay unix - - y - - smtp\n#  -o a=b\n");
  EXPECT_EQ(master_after(kMaster, PostconfSubject::services, PostconfAction::remove, {"relay"}),
            "error: -Me, -MX or -M# requires service_name/type");
  EXPECT_EQ(master_after(kMaster, PostconfSubject::services, PostconfAction::edit, {"x/inet = x inet"}),
            "error: bad field count: \"x/inet = x inet\"");
}

TEST(PostconfEdit, EditsFieldsAndOverrides) {
  EXPECT_EQ(master_after("s unix - - y - - smtp\n", PostconfSubject::fields, PostconfAction::edit, {"s/unix/chroot=n"}),
            "s          unix  -       -       n       -       -       smtp\n");
  EXPECT_EQ(master_after("s unix - - y - - smtp -o a=b -o c=d\n", PostconfSubject::service_parameters,
                         PostconfAction::edit, {"s/unix/a=z"}),
            "s          unix  -       -       y       -       -       smtp\n    -o a=z\n    -o c=d\n");
  EXPECT_EQ(master_after("s unix - - y - - smtp -o a=b\n", PostconfSubject::service_parameters, PostconfAction::remove,
                         {"s/unix/a"}),
            "s          unix  -       -       y       -       -       smtp\n");
  EXPECT_EQ(master_after(kMaster, PostconfSubject::fields, PostconfAction::edit, {"smtp/inet/nope=n"}),
            "error: invalid service attribute name: \"nope\"");
  EXPECT_EQ(master_after(kMaster, PostconfSubject::service_parameters, PostconfAction::edit, {"smtp/inet/a=b c"}),
            "error: -Pe does not accept whitespace in parameter value");
}

TEST(PostconfEdit, RefusesServicesThatItCannotRead) {
  const auto services = PostconfSubject::services;
  EXPECT_EQ(master_after("broken\n", services, PostconfAction::remove, {"a/unix"}),
            "error: file master.cf: line 1: specify service name and type on the same line");
  EXPECT_EQ(master_after("# c\na=b unix - - n - - x\n", services, PostconfAction::remove, {"a/unix"}),
            "error: file master.cf: line 2: service name syntax \"a=b\" is unsupported with -Me, -Fe, -Pe, -X, or -#");
  EXPECT_EQ(master_after("a u/x - - n - - x\n", services, PostconfAction::remove, {"a/unix"}),
            "error: file master.cf: line 1: service type syntax \"u/x\" is unsupported with -Me, -Fe, -Pe, -X, or -#");
  EXPECT_EQ(master_after("s unix -\n", PostconfSubject::fields, PostconfAction::edit, {"s/unix/chroot=n"}),
            "error: file master.cf: line 1: bad field count");
  EXPECT_EQ(master_after("s unix -\nt unix - - n - - x\n", services, PostconfAction::remove, {"s/unix"}),
            "t unix - - n - - x\n");
}

TEST(PostconfEdit, PutsAServiceInPlaceOfThoseItStandsFor) {
  const std::string text = "a unix - - n - - x\nb unix - - n - - y\n";
  EXPECT_EQ(master_after(text, PostconfSubject::services, PostconfAction::edit, {"a/unix = b unix - - n - - z"}),
            "b          unix  -       -       n       -       -       z\n");
  EXPECT_EQ(master_after(text, PostconfSubject::services, PostconfAction::remove, {"*/unix"}), "");
}

TEST(PostconfEdit, KeepsGroupsOfAnEditedService) {
  EXPECT_EQ(
      master_after("s unix - - y - - pipe -o {a = b c} argv=/x { y z }\n", PostconfSubject::service_parameters,
                   PostconfAction::edit, {"s/unix/d=e"}),
      "s          unix  -       -       y       -       -       pipe\n    -o {a=b c}\n    -o d=e\n    argv=/x {y z}\n");
  EXPECT_EQ(master_after("s unix - - y - - smtp -o a=b\n", PostconfSubject::fields, PostconfAction::edit,
                         {"s/unix/command=lmtp -v", "s/unix/wakeup=x"}),
            "error: invalid wakeup field \"x\" in \"x\"");
}

TEST(PostconfEdit, RefusesToWriteWhatWouldNotReadTheSame) {
  EXPECT_EQ(master_after("s unix - - n - - pipe argv={a b c\n", PostconfSubject::service_parameters,
                         PostconfAction::edit, {"s/unix/a=b"}),
            "error: file master.cf: line 1: unbalanced {} in the arguments of the service");
}

TEST(PostconfLayout, FoldsAtTheLimitAndNotBefore) {
  PostconfRequest folding;
  folding.fold = true;
  const std::string fits(67, 'x'), too_long(68, 'x');
  EXPECT_EQ(layout_pair("myorigin", fits + " b", folding), "myorigin = " + fits + " b\n");
  EXPECT_EQ(layout_pair("myorigin", too_long + "  b", folding), "myorigin = " + too_long + "\n    b\n");
  EXPECT_EQ(layout_pair("myorigin", too_long + "  b", {}), "myorigin = " + too_long + " b\n");
  EXPECT_EQ(layout_pair("myorigin", "", {}), "myorigin =\n");
}

TEST(PostconfRequest, RefusesContradictions) {
  const auto error = [](std::vector<std::string> words) {
    words.insert(words.begin(), "postconf");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const auto parsed = parse_postconf_request(static_cast<int>(words.size()), argv.data());
    return parsed ? std::string() : parsed.error().text;
  };
  EXPECT_EQ(error({"-n", "-d"}), "specify one of -d -n");
  EXPECT_EQ(error({"-M", "-F"}), "specify one of -F -M");
  EXPECT_EQ(error({"-M", "-n"}), "with option -M, do not specify -n");
  EXPECT_EQ(error({"-C", "foo"}), "unknown -C option value \"foo\" in \"foo\"");
  EXPECT_EQ(error({"-o", "foo"}), "invalid parameter override: foo: missing '=' after attribute name");
  EXPECT_TRUE(error({"-Mf", "smtp"}).empty());
}

}  // namespace
}  // namespace waypost::tools
