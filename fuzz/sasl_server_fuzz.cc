// The server's mechanisms against any responses: the first byte chooses mechanism and start, responses are separated by
// newlines. What comes out is within its limits.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "sasl/server.h"

using namespace waypost::sasl;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto take = [&rest] {
    const auto part = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(part.size() == rest.size() ? part.size() : part.size() + 1);
    return part;
  };
  const auto exchange = make_server_exchange((data[0] & 1) != 0 ? "PLAIN" : "LOGIN");
  Step step = (data[0] & 2) != 0 ? exchange->start(take()) : exchange->start();
  constexpr int kMaxSteps = 5;
  for (int i = 0; i < kMaxSteps && std::holds_alternative<Challenge>(step); ++i) step = exchange->next(take());
  WAYPOST_ASSERT(!std::holds_alternative<Challenge>(step));
  if (const auto* found = std::get_if<Credentials>(&step)) {
    WAYPOST_ASSERT(!found->user.empty() && found->user.size() <= kMaxUserBytes);
    WAYPOST_ASSERT(found->password.reveal().size() <= kMaxPasswordBytes);
  }
  return 0;
}
