// The source of alias databases: whatever comes in, reading ends, and what is read can be written down and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "tables/alias_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace waypost::tables;
  const std::string text(data, data + size);
  std::vector<std::string> warnings;
  for_each_alias(text, "/f", size % 2 == 0, warnings, [&](const AliasRow& row) {
    WAYPOST_ASSERT(row.name.size() <= 2 * size && row.value.size() <= 3 * size && row.line > 0);
    WAYPOST_ASSERT(row.value.find('\n') == std::string::npos);
    // What was written down can be read again. Sameness holds for addresses, not for the rubbish that is made here.
    std::vector<std::string> ignored;
    const std::string line = "name: " + row.value;
    for_each_alias(line, "/again", true, ignored, [&](const AliasRow& copy) {
      WAYPOST_ASSERT(copy.value.find('\n') == std::string::npos);
      return true;
    });
    return true;
  });
  return 0;
}
