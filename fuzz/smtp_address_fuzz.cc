// Addresses: what is accepted holds its limits and survives a round through the external form.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "mail/address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace waypost::mail;
  if (size == 0) return 0;
  const PathOptions options{.allow_null = (data[0] & 1) != 0,
                            .strict = (data[0] & 2) != 0,
                            .utf8_domain = (data[0] & 4) != 0,
                            .numeric_domain = (data[0] & 8) != 0,
                            .min_user = (data[0] & 16) != 0};
  const auto address = parse_path({reinterpret_cast<const char*>(data + 1), size - 1}, options);
  if (!address) return 0;
  WAYPOST_ASSERT(address->size() <= kMaxAddressBytes);
  WAYPOST_ASSERT(address->find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos);
  const auto external = to_external(*address);
  const auto again = to_internal(external);
  WAYPOST_ASSERT(external.size() > kMaxAddressBytes || again == address);
  return 0;
}
