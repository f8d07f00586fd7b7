#include "daemon/pid_file.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

namespace waypost::daemon {
namespace {

class PidFileTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/waypost-pid-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/master.pid"; }
  std::string folder_;
};

TEST_F(PidFileTest, NamesItsHolderAndNobodyAfterwards) {
  EXPECT_EQ(PidFile::holder(path()).value(), std::nullopt);
  {
    const auto file = PidFile::acquire(path());
    ASSERT_TRUE(file);
    EXPECT_EQ(PidFile::holder(path()).value(), ::getpid());
  }
  EXPECT_EQ(PidFile::holder(path()).value(), std::nullopt);
}

TEST_F(PidFileTest, RefusesASecondHolder) {
  const auto first = PidFile::acquire(path());
  const auto second = PidFile::acquire(path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::exists);
  EXPECT_NE(second.error().text.find(std::to_string(::getpid())), std::string::npos);
}

TEST_F(PidFileTest, UnusableFolderIsAnErrorThatNamesTheFile) {
  const auto file = PidFile::acquire(folder_ + "/missing/master.pid");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().text.find("missing/master.pid"), std::string::npos);
}

}  // namespace
}  // namespace waypost::daemon
