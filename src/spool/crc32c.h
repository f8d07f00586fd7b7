// CRC32C (Castagnoli, RFC 3720 appendix B.4): with the processor's own instruction where it has one (SSE 4.2, detected
// when the program runs), else by tables of the same result. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace waypost::spool {

// `crc` is the value of what came before, 0 at the start: crc32c(b, crc32c(a)) == crc32c(a + b).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

// The table version, for machines without the instruction and for holding one against the other.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace waypost::spool
