// RFC 3461's ORCPT and ENVID: queue files hold them decoded, an envelope of ours as they stand on the wire (xtext).
// Pure.
#pragma once

#include <string>
#include <string_view>

namespace waypost::postfix_queue {

// "rfc822;user@example.com". The type before the semicolon stays. Of type utf-8 the coded form is RFC 6533's ASCII one.
std::string encode_orcpt(std::string_view plain);
std::string decode_orcpt(std::string_view coded);
std::string encode_envid(std::string_view plain);
std::string decode_envid(std::string_view coded);  // what is no xtext stays as it is

}  // namespace waypost::postfix_queue
