#include "smtp/client_attributes.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "mail/address.h"
#include "smtp/esmtp_parameters.h"

namespace waypost::smtp {
namespace {

constexpr std::string_view kUnavailable = "[UNAVAILABLE]", kTemporarilyUnavailable = "[TEMPUNAVAIL]";
constexpr std::size_t kMaxProtocolBytes = 64;

struct Attribute {
  std::string name;   // in capitals
  std::string value;  // decoded, printable
  bool unavailable() const { return iequals(value, kUnavailable); }
};

std::string bad_value(const Attribute& attribute) {
  return fmt::format("501 5.5.4 Bad {} syntax: {}", attribute.name, attribute.value);
}

std::expected<Attribute, std::string> read_attribute(std::string_view word) {
  const auto sign = word.find('=');
  if (sign == std::string_view::npos || sign + 1 == word.size()) {
    return std::unexpected("501 5.5.4 Error: attribute=value expected");
  }
  const auto raw = word.substr(sign + 1);
  if (raw.size() > kMaxAttributeBytes) return std::unexpected("501 5.5.4 Error: attribute value too long");
  // Clients of long ago do not encode.
  auto decoded = decode_xtext(raw);
  return Attribute{printable(to_upper(word.substr(0, sign))), printable(decoded ? *decoded : std::string(raw))};
}

// What must not stand in a Received: header or between <> in the log.
std::string tame(std::string value) {
  for (char& c : value) {
    if (std::string_view(" <>()\\\";@").find(c) != std::string_view::npos) c = '?';
  }
  return value;
}

// Each reads one kind of value; nullopt: malformed.
using Value = std::optional<std::string>;

Value host_name(const Attribute& attribute) {
  if (attribute.unavailable() || iequals(attribute.value, kTemporarilyUnavailable)) return std::string(kUnknownClient);
  if (attribute.value.starts_with('[') || !mail::is_valid_domain(attribute.value)) return std::nullopt;
  return attribute.value;
}

Value address(const Attribute& attribute) {
  if (attribute.unavailable()) return std::string(kUnknownClient);
  return normal_address(attribute.value);
}

Value port(const Attribute& attribute) {
  if (attribute.unavailable()) return std::string(kUnknownClient);
  return parse_number(attribute.value, 65'535) ? Value(attribute.value) : std::nullopt;
}

Value helo_name(const Attribute& attribute) {
  if (attribute.unavailable()) return std::string();
  return tame(attribute.value);
}

Value smtp_protocol(const Attribute& attribute) {
  const bool known = iequals(attribute.value, "SMTP") || iequals(attribute.value, "ESMTP");
  return known ? Value(to_upper(attribute.value)) : std::nullopt;
}

Value any_protocol(const Attribute& attribute) {
  if (attribute.unavailable()) return std::string();
  return attribute.value.size() > kMaxProtocolBytes ? std::nullopt : Value(tame(attribute.value));
}

Value plain_text(const Attribute& attribute) { return attribute.unavailable() ? std::string() : attribute.value; }

Value tame_text(const Attribute& attribute) { return attribute.unavailable() ? std::string() : tame(attribute.value); }

template <class Owner, class Member>
struct Row {
  std::string_view name;
  Member Owner::* member;
  Value (*read)(const Attribute&);
};

using XclientRow = Row<XclientAttributes, std::optional<std::string>>;
constexpr std::array<XclientRow, 9> kXclient = {{
    {"NAME", &XclientAttributes::name, host_name},
    {"REVERSE_NAME", &XclientAttributes::reverse_name, host_name},
    {"ADDR", &XclientAttributes::address, address},
    {"PORT", &XclientAttributes::port, port},
    {"HELO", &XclientAttributes::helo, helo_name},
    {"PROTO", &XclientAttributes::protocol, smtp_protocol},
    {"LOGIN", &XclientAttributes::login, plain_text},
    {"DESTADDR", &XclientAttributes::server_address, address},
    {"DESTPORT", &XclientAttributes::server_port, port},
}};

using XforwardRow = Row<ForwardedClient, std::string>;
constexpr std::array<XforwardRow, 6> kXforward = {{
    {"NAME", &ForwardedClient::name, host_name},
    {"ADDR", &ForwardedClient::address, address},
    {"PORT", &ForwardedClient::port, port},
    {"HELO", &ForwardedClient::helo, tame_text},
    {"PROTO", &ForwardedClient::protocol, any_protocol},
    {"IDENT", &ForwardedClient::ident, tame_text},
}};

// Empty: understood.
std::string read_source(const Attribute& attribute, ForwardedClient& out) {
  const bool local = attribute.unavailable() || iequals(attribute.value, "LOCAL");
  if (!local && !iequals(attribute.value, "REMOTE")) return bad_value(attribute);
  out.is_local = local;
  return {};
}

template <class Owner, class Rows>
std::string apply(const Attribute& attribute, const Rows& rows, Owner& out, std::string_view command) {
  const auto row = std::ranges::find(rows, attribute.name, [](const auto& each) { return each.name; });
  if (row == rows.end()) return fmt::format("501 5.5.4 Bad {} attribute name: {}", command, attribute.name);
  auto value = row->read(attribute);
  if (!value) return bad_value(attribute);
  out.*(row->member) = std::move(*value);
  return {};
}

}  // namespace

std::expected<XclientAttributes, std::string> parse_xclient(const Command& command) {
  if (command.count < 2) return std::unexpected("501 5.5.4 Syntax: XCLIENT attribute=value...");
  XclientAttributes out;
  for (std::size_t i = 1; i < command.count; ++i) {
    const auto attribute = read_attribute(command.word(i));
    if (!attribute) return std::unexpected(attribute.error());
    if (auto refusal = apply(*attribute, kXclient, out, "XCLIENT"); !refusal.empty()) return std::unexpected(refusal);
  }
  return out;
}

std::expected<ForwardedClient, std::string> parse_xforward(const Command& command, ForwardedClient known) {
  if (command.count < 2) return std::unexpected("501 5.5.4 Syntax: XFORWARD attribute=value...");
  for (std::size_t i = 1; i < command.count; ++i) {
    const auto attribute = read_attribute(command.word(i));
    if (!attribute) return std::unexpected(attribute.error());
    const bool is_source = attribute->name == "SOURCE";
    const auto refusal = is_source ? read_source(*attribute, known) : apply(*attribute, kXforward, known, "XFORWARD");
    if (!refusal.empty()) return std::unexpected(refusal);
    known.has_client = known.has_client || (!is_source && attribute->name != "IDENT");
  }
  return known;
}

std::optional<std::string> normal_address(std::string_view text) {
  constexpr std::string_view kTag = "IPv6:";
  const bool tagged = istarts_with(text, kTag);
  const std::string bare(tagged ? text.substr(kTag.size()) : text);
  std::array<char, INET6_ADDRSTRLEN> out{};
  in_addr v4{};
  if (!tagged && ::inet_pton(AF_INET, bare.c_str(), &v4) == 1) return bare;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, bare.c_str(), &v6) != 1) return std::nullopt;
  constexpr std::size_t kMappedPrefix = 12;
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
  ::inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? v6.s6_addr + kMappedPrefix : v6.s6_addr, out.data(), out.size());
  return out.data();
}

}  // namespace waypost::smtp
