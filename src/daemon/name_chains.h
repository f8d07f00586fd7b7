// tls_server_sni_maps: a table's value into key and certificates. `postmap -F` makes values that hold the files
// themselves (base64 of the PEM); a table that is read as it was written names them.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "tables/table_list.h"

namespace waypost::daemon {

// Key and certificates together, as in Postfix.
inline constexpr std::size_t kMaxChainBytes = 256 * 1024;

// Of tables that answer at once. Errc::unavailable: a lookup failed; Errc::io: a file cannot be read.
Result<std::optional<std::string>> find_chain(const tables::TableList& maps, const std::string& name);

}  // namespace waypost::daemon
