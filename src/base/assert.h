// WAYPOST_ASSERT: "we have a bug". Stays on in release builds, aborts, and must never be reachable from the network.
#pragma once

namespace waypost {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace waypost

#define WAYPOST_ASSERT(expression) \
  (static_cast<bool>(expression) ? static_cast<void>(0) : ::waypost::assertion_failed(#expression, __FILE__, __LINE__))
