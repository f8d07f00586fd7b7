#include "smtp_client/tls_policy.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "routing/nexthop.h"
#include "tables/keys.h"

namespace waypost::smtp_client {
namespace {

constexpr std::string_view kListSeparators = ", \t\r\n:";
constexpr std::size_t kMaxShown = 100;

// Of STS and TLSRPT: they say where an entry comes from, not what it wants.
constexpr std::array<std::string_view, 6> kReportAttributes = {"policy_type",   "policy_domain",  "policy_ttl",
                                                               "policy_string", "policy_failure", "mx_host_pattern"};

std::unexpected<Error> invalid(std::string text) { return fail(Errc::invalid, std::move(text)); }

struct Attribute {
  std::string name, value;
};

// "name=value" or "{ name = value with blanks }".
Result<Attribute> split_attribute(std::string_view word) {
  auto text = word;
  if (text.starts_with('{') && text.ends_with('}')) text = trim(text.substr(1, text.size() - 2));
  const auto equals = text.find('=');
  const auto name = trim(text.substr(0, equals));
  if (equals == std::string_view::npos || name.empty()) {
    return invalid(fmt::format("malformed attribute/value pair \"{}\"", printable(word, kMaxShown)));
  }
  return Attribute{to_lower(name), std::string(trim(text.substr(equals + 1)))};
}

Result<> set_once(std::optional<std::string>& target, const Attribute& attribute) {
  if (target) return invalid(fmt::format("attribute \"{}\" is specified multiple times", attribute.name));
  target = attribute.value;
  return {};
}

Result<> require_value(const Attribute& attribute) {
  if (!attribute.value.empty()) return {};
  return invalid(fmt::format("attribute \"{}\" has empty value", attribute.name));
}

Result<> not_at_level(const Attribute& attribute, tls::Level level) {
  return invalid(fmt::format("attribute \"{}\" invalid at security level \"{}\"", attribute.name, level_name(level)));
}

Result<> take_match(TlsPolicyEntry& entry, const Attribute& attribute) {
  if (auto filled = require_value(attribute); !filled) return filled;
  if (!tls::is_authenticated(entry.level) || entry.level > tls::Level::secure) {
    return not_at_level(attribute, entry.level);
  }
  // Colons are part of a fingerprint.
  const auto separators = entry.level == tls::Level::fingerprint ? std::string_view("|") : kListSeparators;
  for (const auto word : split(attribute.value, separators)) entry.match.emplace_back(trim(word));
  return {};
}

Result<> take_anchor_file(TlsPolicyEntry& entry, const Attribute& attribute) {
  if (entry.level != tls::Level::verify && entry.level != tls::Level::secure) {
    return not_at_level(attribute, entry.level);
  }
  if (auto filled = require_value(attribute); !filled) return filled;
  entry.trust_anchor_files.push_back(attribute.value);
  return {};
}

Result<> take_server_name(TlsPolicyEntry& entry, const Attribute& attribute) {
  if (!routing::is_hostname(attribute.value)) {
    return invalid(
        fmt::format("\"{}={}\" specifies an invalid hostname", attribute.name, printable(attribute.value, kMaxShown)));
  }
  return set_once(entry.server_name, attribute);
}

Result<bool> read_flag(const Attribute& attribute) {
  if (iequals(attribute.value, "yes")) return true;
  if (iequals(attribute.value, "no")) return false;
  return invalid(
      fmt::format("attribute \"{}\" has bad value: \"{}\"", attribute.name, printable(attribute.value, kMaxShown)));
}

Result<> take_cipher_grade(TlsPolicyEntry& entry, const Attribute& attribute) {
  if (auto filled = require_value(attribute); !filled) return filled;
  return set_once(entry.ciphers, attribute);
}

Result<> take_attribute(TlsPolicyEntry& entry, const Attribute& attribute) {
  const auto& name = attribute.name;
  if (name == "match") return take_match(entry, attribute);
  if (name == "tafile") return take_anchor_file(entry, attribute);
  if (name == "servername") return take_server_name(entry, attribute);
  if (name == "ciphers") return take_cipher_grade(entry, attribute);
  if (name == "protocols") return set_once(entry.protocols, attribute);
  if (name == "exclude") return set_once(entry.exclude, attribute);
  if (name == "connection_reuse" || name == "enable_rpk") {
    const auto flag = read_flag(attribute);
    if (!flag) return std::unexpected(flag.error());
    if (name == "connection_reuse") entry.connection_reuse = *flag;
    return {};
  }
  if (std::ranges::find(kReportAttributes, name) != kReportAttributes.end()) return {};
  return invalid(fmt::format("invalid attribute name: \"{}\"", printable(name, kMaxShown)));
}

std::vector<std::string> words(std::string_view list, std::string_view separators) {
  const auto views = split(list, separators);
  return {views.begin(), views.end()};
}

// What main.cf wants at a level.
TlsPolicy policy_at(const TlsSettings& settings, tls::Level level) {
  TlsPolicy policy;
  policy.level = level;
  if (level == tls::Level::none) return policy;
  policy.context = tls::is_mandatory(level) ? settings.mandatory : settings.opportunistic;
  policy.server_name = settings.server_name;
  policy.keep_connection = settings.keep_connections;
  if (level == tls::Level::fingerprint) policy.fingerprints = settings.fingerprints;
  if (level == tls::Level::verify) policy.match = words(settings.verify_match, kListSeparators);
  if (level == tls::Level::secure) policy.match = words(settings.secure_match, kListSeparators);
  if (level == tls::Level::verify || level == tls::Level::secure) policy.rules.anchors = settings.trust_anchors;
  return policy;
}

Result<> apply_ciphers(const TlsSettings& settings, const TlsPolicyEntry& entry, TlsPolicy& policy) {
  if (!entry.ciphers && !entry.exclude) return {};
  const bool mandatory = tls::is_mandatory(entry.level);
  const auto& grade = mandatory ? settings.mandatory_ciphers : settings.opportunistic_ciphers;
  const auto& exclude = mandatory ? settings.mandatory_exclude_ciphers : settings.exclude_ciphers;
  auto list = tls::cipher_list(entry.ciphers.value_or(grade), entry.exclude.value_or(exclude), settings.tuning);
  if (!list) return std::unexpected(std::move(list.error()));
  policy.rules.ciphers = std::move(*list);
  return {};
}

Result<TlsPolicy> apply_entry(const TlsSettings& settings, const TlsPolicyEntry& entry) {
  TlsPolicy policy = policy_at(settings, entry.level);
  if (entry.protocols) {
    auto protocols = tls::parse_protocols(*entry.protocols);
    if (!protocols) return std::unexpected(std::move(protocols.error()));
    policy.rules.protocols = *protocols;
  }
  if (auto done = apply_ciphers(settings, entry, policy); !done) return std::unexpected(std::move(done.error()));
  if (entry.server_name) policy.server_name = *entry.server_name;
  if (!entry.match.empty()) (entry.level == tls::Level::fingerprint ? policy.fingerprints : policy.match) = entry.match;
  policy.keep_connection = entry.connection_reuse.value_or(settings.keep_connections);
  return policy;
}

// Why a policy cannot be carried out; empty: it can.
std::string obstacle(const TlsPolicy& policy, const TlsSettings& settings) {
  if (policy.level > tls::Level::secure) {
    return fmt::format("security level {} is not supported yet; use encrypt, verify or secure",
                       level_name(policy.level));
  }
  if (policy.level == tls::Level::fingerprint && policy.fingerprints.empty()) {
    return "configured at fingerprint security level, but with no fingerprints to match";
  }
  if (settings.wrapper_mode && !tls::is_mandatory(policy.level)) {
    return fmt::format("wrapper mode requires security level encrypt or stronger, not {}", level_name(policy.level));
  }
  return {};
}

// "[host]:port", "[host]" and "host:port" are looked up as they are; a domain also by its parents.
std::vector<tables::Key> policy_keys(const std::string& nexthop) {
  if (routing::is_hostname(nexthop)) return tables::domain_keys(nexthop, false);
  return {tables::Key{nexthop}};
}

using Anchors = Result<std::shared_ptr<const tls::TrustAnchors>>;

net::Task<Result<TlsPolicy>> read_entry(const TlsSettings& settings, const std::string& text, std::string_view where,
                                        net::BlockingPool& pool, const Log& log) {
  const auto entry = parse_tls_policy(text);
  if (!entry) co_return std::unexpected(entry.error());
  for (const auto& attribute : entry->ignored) {
    log.warning("{}: ignoring attribute \"{}\" with TLS disabled", where, printable(attribute, kMaxShown));
  }
  auto policy = apply_entry(settings, *entry);
  if (!policy) co_return std::unexpected(std::move(policy.error()));
  policy->origin = text;
  if (entry->trust_anchor_files.empty()) co_return policy;
  Anchors anchors =
      co_await pool.run([files = entry->trust_anchor_files]() -> Anchors { return tls::TrustAnchors::load(files); });
  if (!anchors) co_return std::unexpected(std::move(anchors.error()));
  policy->rules.anchors = std::move(*anchors);
  co_return policy;
}

net::Task<Result<TlsPolicy>> look_up(const TlsSettings& settings, const std::string& nexthop, std::string_view where,
                                     net::BlockingPool& pool, const Log& log) {
  if (settings.policy_maps.empty()) co_return policy_at(settings, settings.level);
  const auto found = co_await settings.policy_maps.find_first(policy_keys(nexthop));
  if (!found) co_return fail(Errc::unavailable, "policy table lookup error");
  if (!*found) co_return policy_at(settings, settings.level);
  auto policy = co_await read_entry(settings, **found, where, pool, log);
  co_return policy;
}

}  // namespace

Result<TlsPolicyEntry> parse_tls_policy(std::string_view text) {
  const auto items = tables::split_list(text);
  if (items.empty()) return invalid("invalid empty policy");
  const auto level = tls::parse_level(items[0]);
  if (!level) return invalid(fmt::format("invalid security level \"{}\"", printable(items[0], kMaxShown)));
  TlsPolicyEntry entry;
  entry.level = *level;
  for (std::size_t i = 1; i < items.size(); ++i) {
    if (entry.level == tls::Level::none) {
      entry.ignored.emplace_back(items[i]);
      continue;
    }
    const auto attribute = split_attribute(items[i]);
    if (!attribute) return std::unexpected(attribute.error());
    if (auto taken = take_attribute(entry, *attribute); !taken) return std::unexpected(std::move(taken.error()));
  }
  return entry;
}

net::Task<std::optional<TlsPolicy>> find_tls_policy(const ClientSettings& settings, TlsDestination destination,
                                                    net::BlockingPool& pool, const Log& log) {
  const auto& tls = settings.tls;
  const auto where =
      fmt::format("{}_tls_policy_maps, next-hop destination \"{}\"", settings.parameter_prefix, destination.nexthop);
  auto policy = co_await look_up(tls, destination.nexthop, where, pool, log);
  if (policy) {
    const auto why = obstacle(*policy, tls);
    if (why.empty()) {
      // Without a context the other level that needs none is the only choice.
      if (policy->level == tls::Level::may && !policy->context) policy->level = tls::Level::none;
      co_return std::move(*policy);
    }
    log.warning("nexthop {}: {}", destination.nexthop, why);
  } else {
    log.warning("{}: {}", where, policy.error().text);
  }
  log.warning("TLS policy lookup for {}/{}: client TLS configuration problem", destination.nexthop, destination.host);
  co_return std::nullopt;
}

}  // namespace waypost::smtp_client
