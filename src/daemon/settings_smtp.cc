#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "daemon/settings.h"
#include "tls/client_context.h"

namespace waypost::daemon {
namespace {

using smtp_client::ClientSettings;

smtp_client::Timeouts read_timeouts(config::Reader& reader) {
  smtp_client::Timeouts out;
  out.connect = reader.duration("smtp_connect_timeout");
  out.helo = reader.duration("smtp_helo_timeout", std::chrono::seconds(1));
  out.starttls = reader.duration("smtp_starttls_timeout", std::chrono::seconds(1));
  out.mail = reader.duration("smtp_mail_timeout", std::chrono::seconds(1));
  out.rcpt = reader.duration("smtp_rcpt_timeout", std::chrono::seconds(1));
  out.data_init = reader.duration("smtp_data_init_timeout", std::chrono::seconds(1));
  out.data_xfer = reader.duration("smtp_data_xfer_timeout", std::chrono::seconds(1));
  out.data_done = reader.duration("smtp_data_done_timeout", std::chrono::seconds(1));
  out.rset = reader.duration("smtp_rset_timeout", std::chrono::seconds(1));
  out.quit = reader.duration("smtp_quit_timeout", std::chrono::seconds(1));
  return out;
}

tls::Level read_level(config::Reader& reader) {
  const auto text = reader.text("smtp_tls_security_level");
  if (text.empty()) {
    if (reader.flag("smtp_enforce_tls")) return tls::Level::encrypt;
    return reader.flag("smtp_use_tls") ? tls::Level::may : tls::Level::none;
  }
  const auto level = tls::parse_level(text);
  if (!level) {
    reader.reject("smtp_tls_security_level", fmt::format("unknown TLS level: {}", text));
    return tls::Level::secure;
  }
  if (*level == tls::Level::dane || *level == tls::Level::dane_only) {
    reader.reject("smtp_tls_security_level",
                  fmt::format("level {} is not supported yet; use encrypt, verify or secure", text));
  }
  return *level;
}

std::shared_ptr<const tls::ClientContext> make_context(config::Reader& reader, bool mandatory) {
  tls::ClientSettings settings;
  settings.ca_file = reader.text("smtp_tls_CAfile");
  settings.ca_path = reader.text("smtp_tls_CApath");
  settings.system_authorities = reader.flag("tls_append_default_CA");
  const auto* const protocols = mandatory ? "smtp_tls_mandatory_protocols" : "smtp_tls_protocols";
  settings.protocols = reader.text(protocols);
  settings.ciphers = reader.text(mandatory ? "smtp_tls_mandatory_ciphers" : "smtp_tls_ciphers");
  settings.exclude_ciphers = reader.text("smtp_tls_exclude_ciphers");
  if (mandatory) settings.exclude_ciphers += " " + reader.text("smtp_tls_mandatory_exclude_ciphers");
  settings.certificates = {.chain_files = reader.list("smtp_tls_chain_files"),
                           .cert_file = reader.text("smtp_tls_cert_file"),
                           .key_file = reader.text("smtp_tls_key_file"),
                           .eccert_file = reader.text("smtp_tls_eccert_file"),
                           .eckey_file = reader.text("smtp_tls_eckey_file")};
  settings.session_lifetime = reader.duration("smtp_tls_session_cache_timeout");
  auto context = tls::ClientContext::create(settings);
  if (context) return *context;
  reject_tls(reader, protocols, "smtp", context.error().text);
  return nullptr;
}

smtp_client::TlsSettings read_tls(config::Reader& reader) {
  smtp_client::TlsSettings out;
  out.level = read_level(reader);
  out.wrapper_mode = reader.flag("smtp_tls_wrappermode");
  if (out.level != tls::Level::none || out.wrapper_mode) {
    out.opportunistic = make_context(reader, false);
    out.mandatory = make_context(reader, true);
  }
  out.verify_match = reader.text("smtp_tls_verify_cert_match");
  out.secure_match = reader.text("smtp_tls_secure_cert_match");
  out.fingerprints = reader.list("smtp_tls_fingerprint_cert_match");
  out.fingerprint_digest = reader.text("smtp_tls_fingerprint_digest");
  out.server_name = reader.text("smtp_tls_servername");
  out.log_level = static_cast<int>(reader.number("smtp_tls_loglevel", 0, 4));
  out.note_starttls_offer = reader.flag("smtp_tls_note_starttls_offer");
  out.plaintext_fallback_age = reader.duration("minimal_backoff_time");
  return out;
}

sasl::SecurityOptions read_options(config::Reader& reader, std::string_view name) {
  auto options = sasl::SecurityOptions::parse(reader.text(name));
  if (options) return *options;
  reader.reject(name, options.error().text);
  return {.noplaintext = true, .noanonymous = true};
}

smtp_client::SaslSettings read_sasl(config::Reader& reader, tables::TableRegistry& registry) {
  smtp_client::SaslSettings out;
  out.enabled = reader.flag("smtp_sasl_auth_enable");
  if (out.enabled) {
    const auto maps = reader.text("smtp_sasl_password_maps");
    if (trim(maps).empty()) reader.reject("smtp_sasl_password_maps", "must be set when smtp_sasl_auth_enable = yes");
    out.password_maps = tables::TableList(maps, registry);
  }
  const auto delimiter = reader.text("smtp_sasl_password_result_delimiter");
  if (!delimiter.empty()) out.result_delimiter = delimiter.front();
  out.sender_dependent = reader.flag("smtp_sender_dependent_authentication");
  out.mechanism_filter = reader.list("smtp_sasl_mechanism_filter");
  out.options = read_options(reader, "smtp_sasl_security_options");
  out.tls_options = read_options(reader, "smtp_sasl_tls_security_options");
  out.tls_verified_options = read_options(reader, "smtp_sasl_tls_verified_security_options");
  return out;
}

std::vector<smtp_client::LookupMethod> read_host_lookup(config::Reader& reader) {
  std::vector<smtp_client::LookupMethod> out;
  for (const auto& word : reader.list("smtp_host_lookup")) {
    if (iequals(word, "dns"))
      out.push_back(smtp_client::LookupMethod::dns);
    else if (iequals(word, "native"))
      out.push_back(smtp_client::LookupMethod::native);
    else
      reader.reject("smtp_host_lookup", fmt::format("unknown lookup method: {}", word));
  }
  return out;
}

void read_hosts(const config::Configuration& configuration, config::Reader& reader, ClientSettings& out) {
  out.relayhost = reader.text("relayhost");  // of this service: -o relayhost softens its own troubles
  out.fallback_relay = reader.text("smtp_fallback_relay");
  out.host_lookup = read_host_lookup(reader);
  const auto support = to_lower(reader.text("smtp_dns_support_level"));
  out.dns_enabled = support != "disabled" && !(support.empty() && reader.flag("disable_dns_lookups"));
  const auto protocols = reader.list("inet_protocols");
  const auto speaks = [&](std::string_view wanted) {
    return std::ranges::any_of(protocols,
                               [&](const std::string& word) { return iequals(word, "all") || iequals(word, wanted); });
  };
  out.ipv4 = speaks("ipv4");
  out.ipv6 = speaks("ipv6") && configuration.machine.has_ipv6;
  const auto preference = to_lower(reader.text("smtp_address_preference"));
  if (preference == "ipv4") out.address_preference = smtp_client::AddressPreference::ipv4;
  if (preference == "ipv6") out.address_preference = smtp_client::AddressPreference::ipv6;
  out.randomize_addresses = reader.flag("smtp_randomize_addresses");
  out.mx_address_limit = static_cast<std::size_t>(reader.number("smtp_mx_address_limit", 0, 1'000));
  out.mx_session_limit = static_cast<std::size_t>(reader.number("smtp_mx_session_limit", 0, 1'000));
  out.own_addresses = own_addresses(configuration, reader);
  for (const auto& address : reader.list("proxy_interfaces")) out.own_addresses.push_back(address);
  out.ignore_mx_lookup_error = reader.flag("ignore_mx_lookup_error");
  out.defer_if_no_mx_address_found = reader.flag("smtp_defer_if_no_mx_address_found");
  out.bind_address = reader.text("smtp_bind_address");
  out.bind_address6 = reader.text("smtp_bind_address6");
  out.bind_address_enforce = reader.flag("smtp_bind_address_enforce");
}

}  // namespace

smtp_client::ClientSettings read_client(const config::Configuration& configuration, config::Reader& reader,
                                        tables::TableRegistry& registry) {
  ClientSettings out;
  out.service = reader.view().service() == nullptr ? "smtp" : reader.view().service()->name;
  out.my_hostname = reader.text("myhostname");
  out.helo_name = reader.text("smtp_helo_name");
  out.default_port = reader.text("smtp_tcp_port");
  using Hello = smtp::ClientSessionSettings::Hello;
  if (!reader.flag("smtp_always_send_ehlo")) out.hello = Hello::ehlo_if_greeted_so;
  if (reader.flag("smtp_never_send_ehlo")) out.hello = Hello::helo;
  out.discard_ehlo_keywords = reader.list("smtp_discard_ehlo_keywords");
  read_hosts(configuration, reader, out);
  out.timeouts = read_timeouts(reader);
  out.tls = read_tls(reader);
  out.sasl = read_sasl(reader, registry);
  out.cache = {
      .on_demand = reader.flag("smtp_connection_cache_on_demand"),
      .idle_limit = reader.duration("smtp_connection_cache_time_limit"),
      .reuse_limit = reader.duration("smtp_connection_reuse_time_limit"),
      .reuse_count = static_cast<std::uint32_t>(reader.number("smtp_connection_reuse_count_limit", 0, INT32_MAX))};
  out.failures.soft_bounce = reader.flag("soft_bounce");
  out.failures.skip_5xx_greeting = reader.flag("smtp_skip_5xx_greeting");
  out.failures.sasl_auth_soft_bounce = reader.flag("smtp_sasl_auth_soft_bounce");
  out.delay_decimals = static_cast<int>(reader.number("delay_logging_resolution_limit", 0, 6));
  return out;
}

}  // namespace waypost::daemon
