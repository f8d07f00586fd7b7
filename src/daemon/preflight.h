// What `postfix check` does: reads a configuration, builds all that would be built from it, and names what is wrong.
#pragma once

#include <string>

#include "config/finding.h"

namespace waypost::daemon {

// Nothing is started or changed.
config::Findings preflight(const std::string& config_directory);

}  // namespace waypost::daemon
