// The text of any table, as the review reads it: no input is too broken to be looked at, no row is made up.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "review/text_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto* type : {"hash", "texthash", "cidr", "regexp", "pcre"}) {
    const auto table = waypost::review::parse_table_text(type, "/t", text);
    if (!table) continue;
    for (const auto& row : table->rows) {
      WAYPOST_ASSERT(row.line > 0);
      WAYPOST_ASSERT(row.value.size() <= 3 * size);  // an alias is quoted where it must be
    }
  }
  const auto inline_table = waypost::review::read_text_table("inline:" + std::string(text));
  WAYPOST_ASSERT(!inline_table || inline_table->rows.size() <= size);
  return 0;
}
