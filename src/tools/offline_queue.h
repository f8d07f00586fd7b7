// postsuper while the daemon is down: the same actions on the spool itself, which this process then holds alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/context.h"

namespace waypost::tools {

// `action`: remove, hold, release, requeue, expire. The ids that were changed. Errc::exists: a daemon holds the spool.
Result<std::vector<std::string>> act_offline(const Context& context, std::string_view action, bool all,
                                             const std::vector<std::string>& ids);

}  // namespace waypost::tools
