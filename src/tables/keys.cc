#include "tables/keys.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "tables/cidr.h"

namespace waypost::tables {
namespace {

struct Parts {
  std::string_view local, domain;
  bool has_domain = false;
};

Parts split_address(std::string_view address) {
  const auto at = address.rfind('@');
  if (at == std::string_view::npos) return {address, {}, false};
  return {address.substr(0, at), address.substr(at + 1), true};
}

// RFC 5322 §3.2.3 atext, and 8-bit bytes, which Postfix lets stand.
bool is_atom_char(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

std::string quote(std::string_view local) {
  std::string quoted = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\' || c == '\r' || c == '\n') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// Adds local + rest: quoted first where that differs.
void add_address(std::vector<Key>& keys, std::string_view local, const std::string& rest, bool partial) {
  if (needs_quotes(local)) keys.push_back({quote(local) + rest, partial});
  keys.push_back({std::string(local) + rest, partial});
}

void add_parents(std::vector<Key>& keys, std::string_view domain, bool parents_match) {
  for (auto dot = domain.find('.', 1); dot < domain.size(); dot = domain.find('.', dot + 1)) {
    const auto parent = domain.substr(parents_match ? dot + 1 : dot);
    if (!parent.empty()) keys.push_back({std::string(parent), true});
  }
}

// user+ext@dom and user@dom; the latter only when there is an extension.
void add_full_addresses(std::vector<Key>& keys, const Parts& parts, std::string_view bare) {
  const std::string at_domain = parts.has_domain ? "@" + std::string(parts.domain) : "";
  add_address(keys, parts.local, at_domain, false);
  if (bare.size() != parts.local.size()) add_address(keys, bare, at_domain, true);
}

}  // namespace

bool needs_quotes(std::string_view local_part) {
  if (local_part.empty() || local_part.front() == '.' || local_part.back() == '.') return true;
  for (std::size_t i = 0; i < local_part.size(); ++i) {
    const bool is_single_dot = local_part[i] == '.' && local_part[i - 1] != '.';
    if (!is_single_dot && !is_atom_char(local_part[i])) return true;
  }
  return false;
}

std::string_view without_extension(std::string_view local_part, std::string_view recipient_delimiter) {
  constexpr std::array<std::string_view, 3> kReserved = {"postmaster", "mailer-daemon", "double-bounce"};
  constexpr std::string_view kOwner = "owner-", kRequest = "-request";
  for (const auto name : kReserved) {
    if (iequals(local_part, name)) return local_part;
  }
  if (recipient_delimiter.find('-') != std::string_view::npos) {
    if (istarts_with(local_part, kOwner)) return local_part;
    if (local_part.size() > kRequest.size() &&
        iequals(local_part.substr(local_part.size() - kRequest.size()), kRequest)) {
      return local_part;
    }
  }
  const auto end = local_part.find_first_of(recipient_delimiter);
  return end == 0 ? local_part : local_part.substr(0, end);
}

std::vector<Key> mail_address_keys(std::string_view address, const AddressKeyOptions& options) {
  std::vector<Key> keys;
  const Parts parts = split_address(address);
  const auto bare = without_extension(parts.local, options.recipient_delimiter);
  add_full_addresses(keys, parts, bare);
  if (!parts.has_domain) return keys;
  if (options.domain_is_local) {
    add_address(keys, parts.local, "", true);
    if (bare.size() != parts.local.size()) add_address(keys, bare, "", true);
  }
  keys.push_back({"@" + std::string(parts.domain), true});
  return keys;
}

std::vector<Key> transport_keys(std::string_view address, std::string_view recipient_delimiter, bool parents_match) {
  std::vector<Key> keys;
  const Parts parts = split_address(address);
  add_full_addresses(keys, parts, without_extension(parts.local, recipient_delimiter));
  if (parts.domain.empty()) return keys;
  keys.push_back({std::string(parts.domain), true});
  add_parents(keys, parts.domain, parents_match);
  return keys;
}

std::vector<Key> access_address_keys(std::string_view address, std::string_view recipient_delimiter,
                                     bool parents_match) {
  std::vector<Key> keys = transport_keys(address, recipient_delimiter, parents_match);
  const Parts parts = split_address(address);
  if (!parts.has_domain) return keys;
  const auto bare = without_extension(parts.local, recipient_delimiter);
  add_address(keys, parts.local, "@", true);
  if (bare.size() != parts.local.size()) add_address(keys, bare, "@", true);
  return keys;
}

std::vector<Key> domain_keys(std::string_view domain, bool parents_match) {
  std::vector<Key> keys;
  if (domain.empty()) return keys;
  keys.push_back({std::string(domain), false});
  // A numerical name has no parents.
  if (!parse_address(domain)) add_parents(keys, domain, parents_match);
  return keys;
}

std::vector<Key> client_address_keys(std::string_view address) {
  std::vector<Key> keys;
  const char delimiter = address.find(':') != std::string_view::npos ? ':' : '.';
  while (!address.empty()) {
    keys.push_back({std::string(address), !keys.empty()});
    const auto last = address.rfind(delimiter);
    if (last == std::string_view::npos) break;
    address = address.substr(0, last);
  }
  return keys;
}

}  // namespace waypost::tables
