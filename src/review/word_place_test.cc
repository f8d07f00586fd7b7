#include "review/word_place.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace waypost::review {
namespace {

class WordPlaceTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(directory_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void load(const std::string& main, const std::string& master = "") {
    configuration_.directory = directory_;
    configuration_.main = config::parse_main_cf(main, write("main.cf", main), findings_);
    configuration_.master = config::parse_master_cf(master, write("master.cf", master), findings_);
  }
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  // "main.cf:3"
  std::string place(std::string_view parameter, std::string_view word, int occurrence = 0, bool of_service = false) {
    const config::Service* service = of_service ? &configuration_.master.services().front() : nullptr;
    const auto origin = place_of_word(configuration_, service, parameter, word, occurrence);
    return origin.file.substr(origin.file.find_last_of('/') + 1) + ":" + std::to_string(origin.line);
  }

  std::string directory_ = "/tmp/waypost-place-XXXXXX";
  config::Configuration configuration_;
  config::Findings findings_;
};

TEST_F(WordPlaceTest, IsThePhysicalLine) {
  load("# head\na_restrictions = permit_mynetworks,\n  # between\n  reject_x y,\n\n  reject # not permit\n");
  EXPECT_EQ(place("a_restrictions", "permit_mynetworks"), "main.cf:2");
  EXPECT_EQ(place("a_restrictions", "REJECT_X"), "main.cf:4");
  EXPECT_EQ(place("a_restrictions", "reject"), "main.cf:6");
}

TEST_F(WordPlaceTest, CountsOccurrences) {
  load("a_restrictions = reject,\n  reject,\n  reject\nb_restrictions = reject\n");
  EXPECT_EQ(place("a_restrictions", "reject", 1), "main.cf:2");
  EXPECT_EQ(place("a_restrictions", "reject", 2), "main.cf:3");
  EXPECT_EQ(place("b_restrictions", "reject"), "main.cf:4");
}

TEST_F(WordPlaceTest, FallsBackToTheParameter) {
  load("a_restrictions =\n  permit\n");
  EXPECT_EQ(place("a_restrictions", "absent"), "main.cf:1");
  EXPECT_EQ(place("smtpd_relay_restrictions", "permit"), ":0");
}

TEST_F(WordPlaceTest, LooksBehindReferencesAndIntoClasses) {
  load(
      "a_restrictions = permit_x, $more, strict\nmore =\n  permit_y\nsmtpd_restriction_classes = strict\nstrict =\n  "
      "reject_z\n");
  EXPECT_EQ(place("a_restrictions", "permit_y"), "main.cf:3");
  EXPECT_EQ(place("a_restrictions", "reject_z"), "main.cf:6");
}

TEST_F(WordPlaceTest, EndsInCirclesOfReferences) {
  load("a_restrictions = $b\nb = $a_restrictions\n");
  EXPECT_EQ(place("a_restrictions", "absent"), "main.cf:1");
}

TEST_F(WordPlaceTest, FindsOptionsOfAService) {
  load("",
       "s inet n - n - - smtpd\n  -o a_restrictions=permit_x,reject\n  -o { b_restrictions = permit_y, reject_z }\n-o "
       "c_restrictions=reject_w\n");
  EXPECT_EQ(place("a_restrictions", "reject", 0, true), "master.cf:2");
  EXPECT_EQ(place("b_restrictions", "permit_y", 0, true), "master.cf:3");
  EXPECT_EQ(place("b_restrictions", "reject_z", 0, true), "master.cf:3");
  EXPECT_EQ(place("c_restrictions", "reject_w", 0, true), "master.cf:4");
}

TEST_F(WordPlaceTest, FindsWordsThatLostTheirIndentation) {
  load("a_restrictions =\npermit_x,\nreject\nmyorigin = x\n");
  EXPECT_EQ(place("a_restrictions", "permit_x"), "main.cf:2");
  EXPECT_EQ(place("a_restrictions", "reject"), "main.cf:3");
}

}  // namespace
}  // namespace waypost::review
