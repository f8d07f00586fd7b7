// RFC 3461's ORCPT and ENVID: queue files hold them decoded, an envelope of ours as they stand on the wire (xtext).
// Pure.
#pragma once

#include <string>
#include <string_view>

namespace waypost::postfix_queue {

// "rfc822;user@example.com". The type before the semicolon stays; RFC 6533's utf-8 addresses stay as they are.
std::string encode_orcpt(std::string_view plain);
std::string decode_orcpt(std::string_view coded);
std::string encode_envid(std::string_view plain);
std::string decode_envid(std::string_view coded);  // what is no xtext stays as it is

}  // namespace waypost::postfix_queue
