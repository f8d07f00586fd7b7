// Values that name files (postmap -F): what is stored under the key is the content of the files, in base64.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::tools {

// The files' contents in the order of `paths` (separated by commas or blanks), a newline between them. The error is
// Postfix's: "open FILE: No such file or directory".
Result<std::string> read_named_files(std::string_view paths);

// The content that a stored value stands for. The error is Postfix's: "malformed BASE64 value: ...".
Result<std::string> decode_stored_file(std::string_view value);

}  // namespace waypost::tools
