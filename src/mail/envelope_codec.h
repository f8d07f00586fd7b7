// Envelope and Progress as bytes, for the spool. Both begin with a version; a newer version, a value out of range, a
// length that goes beyond the input or bytes left over are refused with Errc::corrupt: what decodes is exactly what was
// encoded. Lengths and integers are varints (LEB128, at most 10 bytes); times are microseconds since the epoch, zigzag.
// Pure functions, any thread. The grammar is in docs/spool-format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mail/envelope.h"

namespace waypost::mail {

// More than any envelope that the limits of the SMTP server let in; what decodes never allocates more than a small
// multiple of the bytes that were given.
inline constexpr std::size_t kMaxEncodedRecipients = 1'000'000;
inline constexpr std::size_t kMaxEncodedString = std::size_t{64} * 1024;

// Strings above kMaxEncodedString are cut there: a stored envelope must always decode.
std::string encode(const Envelope& envelope);
std::string encode(const Progress& progress);
Result<Envelope> decode_envelope(std::string_view bytes);
Result<Progress> decode_progress(std::string_view bytes);

// LEB128, as the codec writes it; shared with the spool's own small payloads.
void put_varint(std::string& out, std::uint64_t value);
// Takes one varint from the front of `bytes`; nullopt when it is cut off or does not fit 64 bits.
std::optional<std::uint64_t> take_varint(std::string_view& bytes);

}  // namespace waypost::mail
