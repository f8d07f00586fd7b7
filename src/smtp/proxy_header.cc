#include "smtp/proxy_header.h"

#include <algorithm>
#include <array>
#include <optional>

#include <arpa/inet.h>

#include "base/text.h"
#include "smtp/client_attributes.h"

namespace waypost::smtp {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kTextMark = "PROXY ";
constexpr std::size_t kMaxTextBytes = 107;  // the specification's, CRLF included
constexpr std::string_view kBinaryMark("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixedBytes = 16;
// The octets behind the mark.
constexpr unsigned kVersion = 2, kLocal = 0, kProxied = 1, kTcp4 = 0x11, kTcp6 = 0x21;

ProxyHeader bad(std::string_view why) {
  ProxyHeader out;
  out.state = State::bad;
  out.error = why;
  return out;
}

bool is_beginning_of(std::string_view text, std::string_view mark) {
  return text.substr(0, mark.size()) == mark.substr(0, std::min(text.size(), mark.size()));
}

unsigned octet(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }
std::uint16_t number_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint16_t>(octet(text, at) << 8 | octet(text, at + 1));
}

// In the family that the header names; mapped addresses become IPv4.
std::optional<std::string> text_address(std::string_view text, bool v6) {
  if ((text.find(':') != std::string_view::npos) != v6) return std::nullopt;
  return istarts_with(text, "ipv6:") ? std::nullopt : normal_address(text);
}

std::optional<std::uint16_t> text_port(std::string_view text) {
  const auto number = parse_number(text, 65'535);
  return number ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
}

// "PROXY TCP4 198.51.100.1 203.0.113.1 56324 25\r\n"
ProxyHeader parse_text(std::string_view received) {
  const auto end = received.find('\n');
  if (end == std::string_view::npos) {
    return received.size() >= kMaxTextBytes ? bad("missing protocol header terminator") : ProxyHeader{};
  }
  constexpr std::size_t kWords = 6;
  const auto words = split(received.substr(0, end), " \r");
  const auto word = [&](std::size_t index) { return index < words.size() ? words[index] : std::string_view(); };
  const bool v6 = iequals(word(1), "TCP6");
  if (!v6 && !iequals(word(1), "TCP4")) return bad("bad or missing protocol type");
  const auto client = text_address(word(2), v6), server = text_address(word(3), v6);
  if (!client) return bad("bad or missing client address");
  if (!server) return bad("bad or missing server address");
  const auto client_port = text_port(word(4)), server_port = text_port(word(5));
  if (!client_port) return bad("bad or missing client port");
  if (!server_port || words.size() > kWords) return bad("bad or missing server port");
  return {State::proxied, end + 1, *client, *server, *client_port, *server_port, {}};
}

std::string binary_address(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), out.data(), out.size());
  return normal_address(out.data()).value_or("");
}

ProxyHeader parse_binary(std::string_view received) {
  if (received.size() < kFixedBytes) return {};
  const unsigned version_and_command = octet(received, 12), family = octet(received, 13);
  if (version_and_command >> 4 != kVersion) return bad("unrecognized protocol version");
  const std::size_t length = kFixedBytes + number_at(received, 14);
  if (length > kMaxProxyHeaderBytes) return bad("protocol header too long");
  if (received.size() < length) return {};
  const unsigned command = version_and_command & 0xf;
  if (command == kLocal) return {State::own, length, {}, {}, 0, 0, {}};
  if (command != kProxied) return bad("bad command in proxy header");
  if (family != kTcp4 && family != kTcp6) return bad("unsupported network protocol");
  const std::size_t size = family == kTcp4 ? 4 : 16;
  constexpr std::size_t kPorts = 4;
  if (length < kFixedBytes + 2 * size + kPorts) return bad("short address field");
  const auto addresses = received.substr(kFixedBytes, 2 * size + kPorts);
  return {State::proxied,
          length,
          binary_address(addresses.substr(0, size)),
          binary_address(addresses.substr(size, size)),
          number_at(addresses, 2 * size),
          number_at(addresses, 2 * size + 2),
          {}};
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view received) {
  if (is_beginning_of(received, kTextMark)) {
    return received.size() < kTextMark.size() ? ProxyHeader{} : parse_text(received);
  }
  if (is_beginning_of(received, kBinaryMark)) return parse_binary(received);
  return bad("unrecognized protocol header");
}

}  // namespace waypost::smtp
