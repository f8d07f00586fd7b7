// How postconf lays out lines: blanks between words normalised, long lines folded on demand. Byte for byte what
// Postfix's postconf prints, because scripts compare it.
#pragma once

#include <string>
#include <string_view>

#include "config/master_cf.h"
#include "tools/postconf_request.h"

namespace waypost::tools {

// The longest line of main.cf is one longer than that of master.cf: so it is in Postfix.
inline constexpr std::size_t kParameterLineLimit = 80, kServiceLineLimit = 79;

// "name = value", or half of it as -h and -H say; ends in a newline.
std::string layout_pair(std::string_view name, std::string_view value, const PostconfRequest& request);
// The text with its words one blank apart, folded at the line limit when `fold`. `used`: what the line holds already.
std::string layout_words(std::string_view text, bool fold, std::size_t used = 0);
// One service in columns; with `fold` each option has its own line. Ends in a newline.
std::string layout_service(const config::Service& service, bool fold);
// The command column: "smtp -o a=b". `used`: what the line holds already.
std::string layout_command(const config::Service& service, bool fold, std::size_t used = 0);

}  // namespace waypost::tools
