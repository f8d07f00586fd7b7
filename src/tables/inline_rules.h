// "{{rule}, {rule} ...}": the rules of a regexp:, pcre: or cidr: table in the configuration itself.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::tables {

// The rules as the text of a file, one a line. The error is Postfix's reason: `cidr map: missing '}' in "{..."`.
Result<std::string> inline_rules(std::string_view type, std::string_view argument);

}  // namespace waypost::tables
