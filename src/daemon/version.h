// What the relay calls itself in the log. Not sent to peers.
#pragma once

#include <string_view>

namespace waypost::daemon {

inline constexpr std::string_view kVersion = "Waypost/0.1.0";

}  // namespace waypost::daemon
