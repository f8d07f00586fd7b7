// Table source text: the row reader and the index that holds what it reads.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "tables/row_index.h"
#include "tables/source_file.h"
#include "tables/text_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace waypost::tables;
  const std::string text(data, data + size);
  std::vector<std::string> warnings;
  RowIndex rows;
  for_each_row(text, "/f", {.ignored = "", .utf8 = size % 2 == 0}, warnings, [&](const Row& row) {
    WAYPOST_ASSERT(!row.key.empty() && !row.value.empty());
    WAYPOST_ASSERT(row.value == waypost::trim(row.value));
    const bool is_new = rows.add(row.key, row.value) == RowIndex::Added::yes;
    WAYPOST_ASSERT(is_new ? rows.get(row.key) == row.value : rows.get(row.key).has_value());
    return true;
  });
  std::size_t count = 0;
  rows.for_each([&](std::string_view, std::string_view) { ++count; });
  WAYPOST_ASSERT(count == rows.size());
  if (const auto parsed = parse_inline_rows(text)) WAYPOST_ASSERT(parsed->size() > 0);
  return 0;
}
