// How postconf lays out lines: blanks between words normalised, long lines folded on demand. Byte for byte what
// Postfix's postconf prints, because scripts compare it.
#pragma once

#include <string>
#include <string_view>

#include "config/master_cf.h"
#include "tools/postconf_request.h"

namespace waypost::tools {

inline constexpr std::size_t kLineLimit = 80;
inline constexpr std::string_view kBlanks = " \t\r\n";

// "name = value", or half of it as -h and -H say; ends in a newline.
std::string layout_pair(std::string_view name, std::string_view value, const PostconfRequest& request);
// One service in columns; with `fold` each option has its own line. Ends in a newline.
std::string layout_service(const config::Service& service, bool fold);

// The columns by postconf's names: service type private unprivileged chroot wakeup process_limit command.
inline constexpr std::size_t kServiceFieldCount = 8, kCommandField = 7;
extern const std::array<std::string_view, kServiceFieldCount> kServiceFields;
// "smtp/inet/chroot = n", or half of it as -h and -H say; the command with all its arguments. Ends in a newline.
std::string layout_field(const config::Service& service, std::size_t field, const PostconfRequest& request);
// One column as written; of the command column the program alone.
std::string_view service_field(const config::Service& service, std::size_t field);

}  // namespace waypost::tools
