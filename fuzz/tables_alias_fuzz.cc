// The source of alias databases: what is read of it must read the same again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "tables/alias_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace waypost::tables;
  const std::string text(data, data + size);
  std::vector<std::string> warnings;
  for_each_alias(text, "/f", size % 2 == 0, warnings, [&](const AliasRow& row) {
    WAYPOST_ASSERT(row.name.size() <= 2 * size && row.value.size() <= 3 * size && row.line > 0);
    WAYPOST_ASSERT(row.value.find('\n') == std::string::npos);
    // A value is in the form in which it is written: written down and read again it is the same (a backslash at the end
    // of the line stands for nothing, behind a blank).
    std::vector<std::string> again;
    std::vector<std::string> ignored;
    const std::string line = "name: " + row.value;
    for_each_alias(line, "/f", false, ignored, [&](const AliasRow& copy) {
      again.push_back(copy.value);
      return true;
    });
    WAYPOST_ASSERT(again.empty() || waypost::trim(again.front()) == waypost::trim(row.value));
    return true;
  });
  return 0;
}
