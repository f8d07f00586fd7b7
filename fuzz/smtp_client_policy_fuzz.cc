// Entries of smtp_tls_policy_maps: any text is an entry or an error, and what is taken for an entry holds together.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "smtp_client/tls_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using waypost::tls::Level;
  const auto entry =
      waypost::smtp_client::parse_tls_policy(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!entry) {
    WAYPOST_ASSERT(!entry.error().text.empty());
    return 0;
  }
  const bool by_name = entry->level == Level::verify || entry->level == Level::secure;
  WAYPOST_ASSERT(entry->match.empty() || by_name || entry->level == Level::fingerprint);
  WAYPOST_ASSERT(entry->trust_anchor_files.empty() || by_name);
  WAYPOST_ASSERT(entry->ignored.empty() || entry->level == Level::none);
  return 0;
}
