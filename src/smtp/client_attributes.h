// XCLIENT and XFORWARD, Postfix's extensions by which a trusted client speaks for another one: attribute lists into
// values. XCLIENT changes who the client is, for every decision; XFORWARD only what the log says about a message.
//
// Pure. A list that is malformed gives the refusal and changes nothing. Values are decoded from xtext and hold
// printable characters only.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "smtp/command.h"

namespace waypost::smtp {

inline constexpr std::size_t kMaxAttributeBytes = 255;
inline constexpr std::string_view kUnknownClient = "unknown";  // of a name, an address, a port that nobody knows

// What EHLO says behind the keyword.
inline constexpr std::string_view kXclientAttributes = "NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT";
inline constexpr std::string_view kXforwardAttributes = "NAME ADDR PROTO HELO SOURCE PORT IDENT";

// nullopt: not said. kUnknownClient (for `helo` and `login` the empty string) stands for [UNAVAILABLE].
struct XclientAttributes {
  std::optional<std::string> name, reverse_name, address, port, helo, protocol, login, server_address, server_port;
};
std::expected<XclientAttributes, std::string> parse_xclient(const Command& command);

// The client that the message comes from originally, as XFORWARD commands describe it bit by bit.
struct ForwardedClient {
  bool has_client = false;  // one of the attributes below up to `helo` was said
  std::string name{kUnknownClient}, address{kUnknownClient}, port{kUnknownClient};
  std::string protocol, helo;
  std::string ident;             // the queue id there; empty: not said
  std::optional<bool> is_local;  // SOURCE=LOCAL: that host's own mail
};
// Adds to `known`.
std::expected<ForwardedClient, std::string> parse_xforward(const Command& command, ForwardedClient known);

// "192.0.2.1", "2001:db8::1", "IPv6:2001:db8::1", "::ffff:192.0.2.1" in the form that is logged and compared: without
// the tag, mapped addresses as IPv4. nullopt: no address.
std::optional<std::string> normal_address(std::string_view text);

}  // namespace waypost::smtp
