// Replacing a configuration file as a whole.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::tools {

// Writes beside it, syncs, keeps mode and (where allowed) owner, renames. On failure the old file is untouched.
Result<> replace_file(const std::string& path, std::string_view content);

}  // namespace waypost::tools
