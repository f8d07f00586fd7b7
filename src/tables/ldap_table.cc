// ldap:/x.cf, on OpenLDAP's libldap: the parameters of ldap_table(5). The lookup itself is in ldap_lookup.cc.
#include <fmt/format.h>
#include <ldap.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/text.h"
#include "tables/defined_table.h"
#include "tables/ldap_lookup.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

// Names of hosts become URLs; several stand in for each other, in their order.
void read_servers(TableDefinition& definition, LdapSettings& out) {
  const auto port = definition.number("server_port", LDAP_PORT, 1, UINT16_MAX);
  auto hosts = definition.list("server_host");
  if (hosts.empty()) hosts.emplace_back("localhost");
  for (const auto& host : hosts) {
    std::string url = host;
    if (::ldap_is_ldap_url(host.c_str()) == 0) {
      url = host.find(':') != std::string::npos ? "ldap://" + host : fmt::format("ldap://{}:{}", host, port);
    }
    LDAPURLDesc* parts = nullptr;
    if (const int status = ::ldap_url_parse(url.c_str(), &parts); status != LDAP_URL_SUCCESS) {
      definition.warn(fmt::format("{}: error parsing URL {}; skipping", out.table, url));
      continue;
    }
    const bool is_plain = iequals(parts->lud_scheme, "ldap");
    if (iequals(parts->lud_scheme, "ldaps")) out.uses_tls = true;
    ::ldap_free_urldesc(parts);
    if (!is_plain && out.version != LDAP_VERSION3) {
      definition.warn(fmt::format("{}: {} requires protocol version 3", out.table, url));
      out.version = LDAP_VERSION3;
    }
    out.servers += (out.servers.empty() ? "" : " ") + url;
  }
  if (out.servers.empty()) definition.reject(fmt::format("{}: no usable server_host", out.table));
}

void read_search(TableDefinition& definition, LdapSettings& out) {
  const auto scope = to_lower(definition.text("scope", "sub"));
  if (scope == "base") {
    out.scope = LDAP_SCOPE_BASE;
  } else if (scope == "one") {
    out.scope = LDAP_SCOPE_ONELEVEL;
  } else {
    out.scope = LDAP_SCOPE_SUBTREE;
    if (scope != "sub") {
      definition.warn(
          fmt::format("{}: Unrecognized value {} specified for scope; using sub", out.table, printable(scope, 100)));
    }
  }
  const auto add = [&](std::string_view name, std::string_view otherwise) {
    const auto words =
        definition.has(name) || otherwise.empty() ? definition.list(name) : std::vector{std::string(otherwise)};
    out.attributes.insert(out.attributes.end(), words.begin(), words.end());
    return out.attributes.size();
  };
  out.terminal_end = add("terminal_result_attribute", "");
  out.leaf_end = add("leaf_result_attribute", "");
  out.ordinary_end = add("result_attribute", "maildrop");
  add("special_result_attribute", "");
  out.recursion_limit = definition.number("recursion_limit", 1000, 1, 10'000);
  out.expansion_limit = definition.number("expansion_limit", 0);
  out.size_limit = static_cast<int>(definition.number("size_limit", out.expansion_limit));
  out.dereference = static_cast<int>(definition.number("dereference", 0, 0, 3));
  out.chase_referrals = definition.flag("chase_referrals", false);
}

void read_bind(TableDefinition& definition, LdapSettings& out) {
  const auto bind = to_lower(definition.text("bind", "yes"));
  if (bind == "yes" || bind == "simple") {
    out.bind = LdapSettings::Bind::simple;
  } else if (bind == "sasl") {
    out.bind = LdapSettings::Bind::sasl;
  } else if (bind == "no" || bind == "none") {
    out.bind = LdapSettings::Bind::none;
  } else {
    definition.reject(fmt::format("{}: unsupported parameter value: bind = {}", out.table, printable(bind, 100)));
  }
  out.bind_dn = definition.text("bind_dn");
  out.bind_password = definition.secret("bind_pw");
  out.sasl_mechanisms = definition.text("sasl_mechs");
  out.sasl_realm = definition.text("sasl_realm");
  out.sasl_authorization = definition.text("sasl_authz_id");
  out.sasl_min_strength = static_cast<int>(definition.number("sasl_minssf", 0, 0, 4096));
}

void read_tls(TableDefinition& definition, LdapSettings& out) {
  out.start_tls = definition.flag("start_tls", false);
  if (out.start_tls && out.version != LDAP_VERSION3) {
    definition.warn(fmt::format("{}: start_tls requires protocol version 3", out.table));
    out.version = LDAP_VERSION3;
  }
  out.uses_tls = out.uses_tls || out.start_tls;
  out.tls_require_certificate = definition.flag("tls_require_cert", false);
  out.tls_ca_file = definition.text("tls_ca_cert_file");
  out.tls_ca_directory = definition.text("tls_ca_cert_dir");
  out.tls_certificate = definition.text("tls_cert");
  out.tls_key = definition.text("tls_key");
  out.tls_cipher_suite = definition.text("tls_cipher_suite");
}

// What Postfix gave up as well, and what only made sense for a process of one table.
void warn_of_ignored(TableDefinition& definition, const LdapSettings& settings) {
  for (const std::string_view name : {"cache", "cache_expiry", "cache_size", "debuglevel", "tls_random_file"}) {
    if (definition.has(name)) definition.warn(fmt::format("{}: ignoring {}", settings.table, name));
  }
}

Result<LdapSettings> read_settings(TableDefinition& definition, const TableSource& source) {
  auto base = KeyTemplate::parse(definition.text("search_base"), KeyTemplate::Use::query);
  if (!base) return std::unexpected(base.error());
  auto filter =
      KeyTemplate::parse(definition.text("query_filter", "(mailacceptinggeneralid=%s)"), KeyTemplate::Use::query);
  if (!filter) return std::unexpected(filter.error());
  const auto result_format =
      definition.has("result_format") ? definition.text("result_format") : definition.text("result_filter", "%s");
  auto format = KeyTemplate::parse(result_format, KeyTemplate::Use::result);
  if (!format) return std::unexpected(format.error());
  LdapSettings out{.table = source.name(),
                   .base = std::move(*base),
                   .filter = std::move(*filter),
                   .result_format = std::move(*format),
                   .log = source.log};
  if (!out.filter.is_dynamic()) {
    definition.warn(
        fmt::format("{}: Fixed query_filter {} is probably useless", out.table, definition.text("query_filter")));
  }
  out.version = static_cast<int>(definition.number("version", LDAP_VERSION2, LDAP_VERSION2, LDAP_VERSION3));
  out.timeout = std::chrono::seconds(definition.number("timeout", 10, 1, 3600));
  read_servers(definition, out);
  read_search(definition, out);
  read_bind(definition, out);
  read_tls(definition, out);
  warn_of_ignored(definition, out);
  return out;
}

}  // namespace

std::shared_ptr<const Table> make_ldap_table(const TableSource& source) {
  return make_defined_table(source, [&](TableDefinition& definition, RemoteSpec& spec) -> Result<> {
    auto read = read_settings(definition, source);
    if (!read) return std::unexpected(read.error());
    spec.only_utf8 = true;
    spec.idle = std::chrono::seconds(definition.number("idle_interval", 60, 1));
    spec.timeout = kLdapRounds * read->timeout;
    spec.needs = read->base.key_needs();
    spec.needs.add(read->filter.key_needs());
    spec.needs.add(read->result_format.key_needs());
    const auto settings = std::make_shared<const LdapSettings>(std::move(*read));
    spec.make_client = [settings] { return make_ldap_client(settings); };
    return {};
  });
}

}  // namespace waypost::tables
