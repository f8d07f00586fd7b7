#include "routing/nexthop.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "tables/cidr.h"
#include "tables/source_file.h"

namespace waypost::routing {
namespace {

constexpr std::string_view kIpv6Prefix = "IPv6:";  // RFC 5321 §4.1.3
constexpr std::size_t kMaxName = 255, kMaxLabel = 63;
constexpr std::uint16_t kMaxPort = 65535;

bool is_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

Result<Nexthop> malformed(std::string_view why, std::string_view text) {
  return fail(Errc::invalid, fmt::format("{} in \"{}\"", why, text));
}

struct MailService {
  std::string_view name;
  std::uint16_t port;
};
constexpr std::array<MailService, 5> kMailServices = {
    {{"smtp", 25}, {"submission", 587}, {"submissions", 465}, {"smtps", 465}, {"lmtp", 24}}};

bool is_label(std::string_view label, bool utf8) {
  if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [utf8](char c) {
    return is_alnum(c) || c == '-' || c == '_' || (utf8 && (static_cast<unsigned char>(c) & 0x80) != 0);
  });
}

}  // namespace

bool is_hostname(std::string_view name, bool utf8) {
  if (name.empty() || name.size() > kMaxName || name.front() == '.') return false;
  if (std::ranges::all_of(name, [](char c) { return is_digit(c) || c == '.'; })) return false;
  if (utf8 && !tables::is_utf8(name)) return false;
  if (name.ends_with('.')) name.remove_suffix(1);
  while (true) {
    const auto dot = name.find('.');
    if (!is_label(name.substr(0, dot), utf8)) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool is_ipv4(std::string_view text) {
  const auto address = tables::parse_address(text);
  return address && !address->v6;
}

bool is_ipv6(std::string_view text) {
  const auto address = tables::parse_address(text);
  return address && address->v6;
}

std::optional<std::string> parse_address_literal(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  auto inside = text.substr(1, text.size() - 2);
  const bool has_prefix = istarts_with(inside, kIpv6Prefix);
  if (has_prefix) inside.remove_prefix(kIpv6Prefix.size());
  const auto address = tables::parse_address(inside);
  if (!address || (has_prefix && !address->v6)) return std::nullopt;
  return std::string(inside);
}

Result<Nexthop> parse_nexthop(std::string_view text) {
  Nexthop nexthop;
  if (text.starts_with('[')) {
    nexthop.bracketed = true;
    const auto close = text.find(']');
    if (close == std::string_view::npos) return malformed("missing \"]\"", text);
    auto inside = text.substr(1, close - 1);
    const auto after = text.substr(close + 1);
    if (!after.empty() && after.front() != ':') return malformed("garbage after \"]\"", text);
    if (!after.empty()) nexthop.port = after.substr(1);
    if (istarts_with(inside, kIpv6Prefix)) {
      inside.remove_prefix(kIpv6Prefix.size());
      if (!is_ipv6(inside)) return malformed("malformed IPv6 address", text);
    }
    nexthop.host = inside;
  } else {
    const auto colon = text.rfind(':');
    nexthop.host = text.substr(0, colon);
    if (colon != std::string_view::npos) nexthop.port = text.substr(colon + 1);
  }
  if (nexthop.host.empty()) return malformed("missing host information", text);
  if (!is_hostname(nexthop.host, true) && !tables::parse_address(nexthop.host)) {
    return malformed("valid hostname or network address required", text);
  }
  if (!nexthop.port.empty() && is_digit(nexthop.port.front()) && !is_digits(nexthop.port)) {
    return malformed("garbage after numerical service", text);
  }
  return nexthop;
}

Result<std::vector<Nexthop>> parse_nexthops(std::string_view text) {
  std::vector<Nexthop> nexthops;
  for (const auto word : split(text, ", \t\r\n")) {
    if (nexthops.size() == kMaxNexthops) return fail(Errc::invalid, "too many destinations");
    auto nexthop = parse_nexthop(word);
    if (!nexthop) return std::unexpected(nexthop.error());
    nexthops.push_back(std::move(*nexthop));
  }
  if (nexthops.empty()) return fail(Errc::invalid, "missing host information");
  return nexthops;
}

std::optional<std::uint16_t> port_number(std::string_view port) {
  if (is_digits(port)) {
    const auto number = parse_number(port, kMaxPort);
    return number && *number > 0 ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
  }
  const auto* known = std::ranges::find(kMailServices, port, &MailService::name);
  if (known != kMailServices.end()) return known->port;
  if (port.empty() || port.find('\0') != std::string_view::npos) return std::nullopt;
  std::array<char, 2048> buffer{};
  servent entry{};
  servent* found = nullptr;
  if (::getservbyname_r(std::string(port).c_str(), "tcp", &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return std::nullopt;
  }
  return ntohs(static_cast<std::uint16_t>(found->s_port));
}

}  // namespace waypost::routing
