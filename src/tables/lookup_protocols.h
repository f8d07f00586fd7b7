// The three line protocols of lookup servers, as text: requests out, replies in. Pure; any thread.
//
// A reader gets all bytes received so far: an answer, nullopt when more must come, or Errc::corrupt for what breaks the
// protocol or a limit. Bytes behind a reply break it too: they would answer the next question.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::tables {

// What a server says about a key.
struct ServerAnswer {
  enum class Kind : unsigned char { found, not_found, failed };
  Kind kind = Kind::failed;
  std::string text;  // the value, or the reason
  bool operator==(const ServerAnswer&) const = default;
};

using Parsed = Result<std::optional<ServerAnswer>>;

// tcp_table(5): "get KEY\n" -> "200 VALUE\n", "500 text\n", "400 text\n", with %XX for what is not printable.
namespace tcp {
inline constexpr std::size_t kMaxReply = 4096;  // with the line feed
std::string request(std::string_view key);
Parsed parse(std::string_view received);
}  // namespace tcp

// socketmap_table(5): netstrings "NAME KEY" -> "OK VALUE", "NOTFOUND ", "TEMP reason", "TIMEOUT reason", "PERM reason".
namespace socketmap {
std::string request(std::string_view map_name, std::string_view key);
// `max_reply`: bytes without the netstring's frame.
Parsed parse(std::string_view received, std::size_t max_reply);
}  // namespace socketmap

// memcache_table(5): the text protocol of memcached.
namespace memcache {
struct Limits {
  std::size_t line = 1024, data = 10'240;
};
// True for what can be a key: no blanks, no controls.
bool is_key(std::string_view key);
std::string get(std::string_view key);
std::string set(std::string_view key, std::uint32_t flags, std::int64_t ttl_s, std::string_view value);
Parsed parse_get(std::string_view received, const Limits& limits);
// The reply to set: found when stored, else failed with what it said.
Parsed parse_set(std::string_view received, const Limits& limits);
}  // namespace memcache

}  // namespace waypost::tables
