// DNS messages as bytes (RFC 1035 §4), read with bounds on everything. Pure; fed with whatever a server sent.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dns/resolver.h"

namespace waypost::dns {

inline constexpr std::size_t kMaxMessageBytes = 65'535;
inline constexpr std::size_t kMaxNameBytes = 255;  // RFC 1035 §2.3.4
inline constexpr std::size_t kMaxLabelBytes = 63;
inline constexpr std::size_t kMaxAnswerRecords = 1000;  // of one message; more is malformed
inline constexpr std::size_t kMaxCnames = 16;

// The answer to a question of `type` in a response message, CNAMEs followed within it. Sets everything but `secure`,
// including `failure`. A message that breaks the format is Status::malformed.
Answer parse_response(std::string_view message, std::string_view name, Type type);

// A query message (recursion desired). Errc::invalid when the name is not one: empty label, too long.
Result<std::string> make_query(std::uint16_t id, std::string_view name, Type type);

// A name in wire form; "." is the root. Errc::invalid as above.
Result<std::string> encode_name(std::string_view name);

}  // namespace waypost::dns
