#include "tables/cidr.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr std::size_t kLongestAddress = INET6_ADDRSTRLEN;

int bits_of(const Address& address) { return address.v6 ? 128 : 32; }

// Clears everything behind the first `bits`; true when something was set there.
bool clear_host_bits(Address& address, int bits) {
  bool was_set = false;
  for (int i = 0; i < bits_of(address) / 8; ++i) {
    const int kept = std::clamp(bits - i * 8, 0, 8);
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - kept));
    auto& byte = address.bytes[static_cast<std::size_t>(i)];
    was_set = was_set || (byte & ~mask) != 0;
    byte &= mask;
  }
  return was_set;
}

std::string to_text(const Address& address) {
  char buffer[kLongestAddress];
  return inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), buffer, sizeof buffer);
}

struct Split {
  std::string_view address;
  std::optional<std::string_view> mask;
};

// Takes off the brackets of "[addr]/len" and "[addr/len]".
Result<Split> split_pattern(std::string_view text) {
  std::string_view inside = text;
  std::string_view after;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) {
      return fail(Errc::invalid, fmt::format("missing ']' character after \"{}\"", text));
    }
    inside = text.substr(1, close - 1);
    after = text.substr(close + 1);
    if (after.starts_with('/')) return Split{inside, after.substr(1)};
    if (!after.empty()) return fail(Errc::invalid, fmt::format("garbage after \"[{}]\"", inside));
  }
  const auto slash = inside.find('/');
  if (slash == std::string_view::npos) return Split{inside, std::nullopt};
  return Split{inside.substr(0, slash), inside.substr(slash + 1)};
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.empty() || text.size() >= kLongestAddress) return std::nullopt;
  char buffer[kLongestAddress];
  *std::ranges::copy(text, buffer).out = '\0';
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  Address address;
  address.v6 = text.find(':') != std::string_view::npos;
  if (inet_pton(address.v6 ? AF_INET6 : AF_INET, buffer, address.bytes.data()) != 1) return std::nullopt;
  return address;
}

bool Cidr::contains(const Address& address) const {
  if (address.v6 != network.v6) return false;
  Address masked = address;
  clear_host_bits(masked, prefix_bits);
  return masked == network;
}

Result<Cidr> parse_cidr(std::string_view text) {
  const auto split = split_pattern(text);
  if (!split) return std::unexpected(split.error());
  const auto [address_text, mask] = *split;
  const auto address = parse_address(address_text);
  if (!mask) {
    if (!address) return fail(Errc::invalid, fmt::format("bad address pattern: \"{}\"", address_text));
    return Cidr{*address, static_cast<std::uint8_t>(bits_of(*address))};
  }
  const std::uint64_t longest = address_text.find(':') != std::string_view::npos ? 128 : 32;
  const auto in_pattern = [&](std::string_view what) {
    return fail(Errc::invalid, fmt::format("{} in \"{}/{}\"", what, address_text, *mask));
  };
  if (mask->empty() || mask->find_first_not_of("0123456789") != std::string_view::npos) {
    return in_pattern("bad mask value");
  }
  const auto bits = parse_number(*mask, longest);
  if (!bits) return in_pattern("bad mask length");
  if (!address) return in_pattern("bad network value");
  Cidr cidr{*address, static_cast<std::uint8_t>(*bits)};
  if (clear_host_bits(cidr.network, cidr.prefix_bits)) {
    return fail(Errc::invalid,
                fmt::format("non-null host address bits in \"{}/{}\", perhaps you should use \"{}/{}\" instead",
                            address_text, *mask, to_text(cidr.network), *bits));
  }
  return cidr;
}

}  // namespace waypost::tables
