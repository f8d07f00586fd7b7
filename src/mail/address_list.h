// The addresses in the value of a To:, Cc: or Bcc: header (RFC 5322 §3.4), for `sendmail -t`.
// Lenient as mail programs have made it necessary: display names, comments, groups, quoted strings, route-addr, empty
// members.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace waypost::mail {

inline constexpr std::size_t kMaxListedAddresses = 10'000;

// addr-specs in order, in the form written (quoted local parts keep their quotes). What cannot be an address is left
// out. Stops at kMaxListedAddresses.
std::vector<std::string> addresses_in(std::string_view header_value);

}  // namespace waypost::mail
