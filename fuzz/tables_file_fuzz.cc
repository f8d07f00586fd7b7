// .cdb and .lmdb files, damaged or made up: every record must lie within the bytes of the file, and there cannot be
// more of them than the file has room for.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "tables/database.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace waypost::tables;
  const std::string bytes(data, data + size);
  for (const char* const type : {"cdb", "lmdb"}) {
    const Database* const database = find_database(type);
    if (database == nullptr) continue;
    std::size_t records = 0, checksum = 0;
    const auto done = database->for_each_record(bytes, [&](std::string_view key, std::string_view value) {
      ++records;
      for (const auto part : {key, value}) {
        WAYPOST_ASSERT(part.size() <= size);
        if (part.empty()) continue;
        checksum += static_cast<unsigned char>(part.front()) + static_cast<unsigned char>(part.back());
      }
    });
    WAYPOST_ASSERT(records <= size / 2 && checksum <= 4 * 255 * size);
    if (!done) WAYPOST_ASSERT(!done.error().text.empty());
  }
  return 0;
}
