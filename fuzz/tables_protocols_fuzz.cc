// Replies of lookup servers. The first byte chooses the protocol, the rest comes from the server. An answer must not
// depend on how the bytes arrive: no prefix of a reply has an answer, and none is broken when the whole is not.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "tables/lookup_protocols.h"

namespace {

using waypost::tables::Parsed;
namespace tables = waypost::tables;

constexpr std::size_t kMaxReply = 300;

Parsed parse(unsigned protocol, std::string_view text) {
  constexpr tables::memcache::Limits kLimits{.line = 100, .data = 200};
  switch (protocol % 4) {
    case 0:
      return tables::tcp::parse(text);
    case 1:
      return tables::socketmap::parse(text, kMaxReply);
    case 2:
      return tables::memcache::parse_get(text, kLimits);
    default:
      return tables::memcache::parse_set(text, kLimits);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = parse(data[0], text);
  if (!whole) return 0;
  if (*whole) WAYPOST_ASSERT((*whole)->text.size() <= text.size() + 32);
  for (std::size_t prefix = 0; prefix < text.size(); ++prefix) {
    const auto part = parse(data[0], text.substr(0, prefix));
    WAYPOST_ASSERT(part && !*part);
  }
  return 0;
}
