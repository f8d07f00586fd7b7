// The folders below $queue_directory that the relay needs, made with the owner and mode that each must have.
#pragma once

#include <optional>

#include "base/result.h"
#include "daemon/paths.h"
#include "daemon/privileges.h"

namespace waypost::daemon {

// As root, before privileges are dropped, `owner` gets what the daemon writes to. Errc::io names the folder.
Result<> make_directories(const Paths& paths, const std::optional<Owner>& owner);

}  // namespace waypost::daemon
