// Runs a fuzz target over files without libFuzzer: each argument is a file, or a folder whose files are taken (also in
// its subfolders, in the order of their names). Exit code 0 when every file went through, 1 when nothing could be read;
// a failing target ends the process itself. The name printed last is the file that did it.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

void collect(const fs::path& where, std::vector<fs::path>& files) {
  std::error_code failed;
  if (!fs::is_directory(where, failed)) {
    files.push_back(where);
    return;
  }
  for (fs::recursive_directory_iterator entry(where, failed), end; !failed && entry != end; entry.increment(failed)) {
    if (entry->is_regular_file(failed)) files.push_back(entry->path());
  }
}

bool replay(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return false;
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  std::fprintf(stderr, "%s (%zu bytes)\n", file.c_str(), bytes.size());
  const std::vector<std::uint8_t> data(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(data.data(), data.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) collect(argv[i], files);
  std::sort(files.begin(), files.end());
  int unreadable = 0;
  for (const fs::path& file : files) {
    if (replay(file)) continue;
    std::fprintf(stderr, "cannot read %s\n", file.c_str());
    ++unreadable;
  }
  if (files.empty()) std::fprintf(stderr, "usage: %s FILE-OR-FOLDER...\n", argv[0]);
  return files.empty() || unreadable > 0 ? 1 : 0;
}
