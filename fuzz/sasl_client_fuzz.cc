// The client's mechanisms against any challenges: the first byte chooses the mechanism, challenges are separated by
// newlines.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "sasl/client.h"

using namespace waypost::sasl;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static constexpr std::array<std::string_view, 3> kNames = {"CRAM-MD5", "PLAIN", "LOGIN"};
  auto exchange = choose({{kNames[data[0] % kNames.size()]}, {}}, {"user", waypost::Secret("password")});
  WAYPOST_ASSERT(exchange.has_value());
  WAYPOST_ASSERT((*exchange)->initial_response().has_value());
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::size_t answered = 0;
  for (;;) {
    const auto challenge = rest.substr(0, rest.find('\n'));
    const auto response = (*exchange)->next(challenge);
    if (!response) break;
    WAYPOST_ASSERT(++answered <= kMaxChallenges);
    if (challenge.size() == rest.size()) break;
    rest.remove_prefix(challenge.size() + 1);
  }
  return 0;
}
