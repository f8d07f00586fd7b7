// Small conversions that both tools need: base64, digests, JSON strings, option numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace waypost::bench {

std::string base64_encode(std::string_view bytes);
// What does not decode gives an empty string.
std::string base64_decode(std::string_view text);

// Hexadecimal, lower case.
std::string sha256_hex(std::string_view first, std::string_view second = {});
std::string hmac_md5_hex(std::string_view key, std::string_view message);

// The message without its Received: fields, which is what a relay must leave alone. Line ends CRLF.
std::string without_received(std::string_view content);

// A quoted JSON string; control characters become \u00XX, bytes above 0x7f pass (the peer decides what they mean).
std::string json_string(std::string_view text);

bool starts_with_nocase(std::string_view text, std::string_view prefix);
// Shell-like pattern with '*' and '?', case ignored.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace waypost::bench
