// The parts of postconf that print a configuration. Each answers the text for standard output; what is doubtful goes to
// `warnings`, in the order in which it is to be shown.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/load.h"
#include "config/names.h"
#include "tools/postconf_request.h"

namespace waypost::tools {

using Warnings = std::vector<std::string>;

// `names`: those that mean something here. Errors: a value that cannot be expanded.
Result<std::string> show_parameters(const config::Configuration& configuration, const config::NameClasses& names,
                                    const PostconfRequest& request, Warnings& warnings);
// -M, -F and -P. Errors: a malformed request, a value that cannot be expanded.
Result<std::string> show_master(const config::Configuration& configuration, const PostconfRequest& request,
                                Warnings& warnings);

// Postfix says what is wrong with a value in a warning, and ends with a word about nothing in particular.
std::unexpected<Error> macro_error(const Error& error, Warnings& warnings);

}  // namespace waypost::tools
