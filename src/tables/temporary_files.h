// For tests: a directory that goes away, and files in it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace waypost::tables {

class TemporaryFiles {
 public:
  TemporaryFiles() {
    std::string path = std::filesystem::temp_directory_path() / "waypost-tables-XXXXXX";
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
  }
  TemporaryFiles(const TemporaryFiles&) = delete;
  TemporaryFiles& operator=(const TemporaryFiles&) = delete;
  ~TemporaryFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string path(std::string_view name) const { return directory_ / name; }
  // By rename, as editors and postmap do. The time is years back unless given: such a file is at rest.
  std::string write(std::string_view name, std::string_view text, time_t modified = kLongAgo) const {
    const std::string to = path(name), temporary = to + ".new";
    std::ofstream(temporary, std::ios::binary) << text;
    set_time(temporary, modified);
    std::filesystem::rename(temporary, to);
    return to;
  }
  static void set_time(const std::string& path, time_t modified) {
    const timespec times[2] = {{modified, 0}, {modified, 0}};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  static constexpr time_t kLongAgo = 1'600'000'000;

 private:
  std::filesystem::path directory_;
};

}  // namespace waypost::tables
