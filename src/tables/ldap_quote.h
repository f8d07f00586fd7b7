// Making a part of a key harmless inside LDAP's texts. Both append to `out`. Pure.
#pragma once

#include <string>
#include <string_view>

namespace waypost::tables {

// A value inside a distinguished name (RFC 4514 §2.4): a search base.
void quote_for_dn(std::string_view text, std::string& out);

// A value inside a search filter (RFC 4515 §3).
void quote_for_filter(std::string_view text, std::string& out);

}  // namespace waypost::tables
