// The parts of a message that postmap -h, -b and -m make keys of: they are all in the message, and there are not more
// of them than it has lines.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "tools/message_keys.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(data, data + size);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  for (unsigned options = 0; options < 8; ++options) {
    std::size_t keys = 0, bytes = 0;
    waypost::tools::MessageKeys parts(
        {.headers = (options & 1) != 0, .body = (options & 2) != 0, .mime = (options & 4) != 0},
        [&](const std::string& key) {
          ++keys;
          bytes += key.size();
        });
    bool goes_on = true;
    for (std::string_view rest = text; goes_on && !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size());
      goes_on = parts.feed(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    parts.finish();
    WAYPOST_ASSERT(keys <= lines + 1 && bytes <= size + lines);
  }
  return 0;
}
