// Replacing a configuration file as a whole.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::tools {

// Gives the content to `change` and puts what it answers in its place: written beside, synced, renamed, with mode and
// (where allowed) owner kept; a symbolic link keeps pointing to it. Edits of one file wait for each other, also for
// Postfix's. On failure, and when nothing changed, the old file is untouched.
using Change = std::function<Result<std::string>(std::string_view content)>;
Result<> edit_file(const std::string& path, const Change& change);

}  // namespace waypost::tools
