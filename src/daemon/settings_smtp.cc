#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "daemon/settings.h"
#include "daemon/settings_client.h"

namespace waypost::daemon {
namespace {

using smtp_client::ClientSettings;

smtp_client::Timeouts read_timeouts(ClientReader& reader) {
  smtp_client::Timeouts out;
  out.connect = reader.duration("connect_timeout");
  out.helo = reader.duration(reader.is_lmtp() ? "lhlo_timeout" : "helo_timeout", std::chrono::seconds(1));
  out.starttls = reader.duration("starttls_timeout", std::chrono::seconds(1));
  out.xforward = reader.duration("xforward_timeout", std::chrono::seconds(1));
  out.mail = reader.duration("mail_timeout", std::chrono::seconds(1));
  out.rcpt = reader.duration("rcpt_timeout", std::chrono::seconds(1));
  out.data_init = reader.duration("data_init_timeout", std::chrono::seconds(1));
  out.data_xfer = reader.duration("data_xfer_timeout", std::chrono::seconds(1));
  out.data_done = reader.duration("data_done_timeout", std::chrono::seconds(1));
  out.rset = reader.duration("rset_timeout", std::chrono::seconds(1));
  out.quit = reader.duration("quit_timeout", std::chrono::seconds(1));
  return out;
}

sasl::SecurityOptions read_options(ClientReader& reader, std::string_view name) {
  auto options = sasl::SecurityOptions::parse(reader.text(name));
  if (options) return *options;
  reader.reject(name, options.error().text);
  return {.noplaintext = true, .noanonymous = true};
}

smtp_client::SaslSettings read_sasl(ClientReader& reader, tables::TableRegistry& registry) {
  smtp_client::SaslSettings out;
  out.enabled = reader.flag("sasl_auth_enable");
  reader.choice("sasl_type");  // the one type of Postfix's client, cyrus, names what we do ourselves; others are errors
  if (out.enabled) {
    const auto maps = reader.text("sasl_password_maps");
    if (trim(maps).empty()) {
      reader.reject("sasl_auth_enable", fmt::format("specify a password table via the `{}' configuration parameter",
                                                    reader.name("sasl_password_maps")));
    }
    out.password_maps = tables::TableList(maps, registry);
  }
  const auto delimiter = reader.text("sasl_password_result_delimiter");
  if (!delimiter.empty()) out.result_delimiter = delimiter.front();
  out.sender_dependent = reader.flag("sender_dependent_authentication");
  out.send_mail_auth = reader.flag("send_dummy_mail_auth");
  out.mechanism_filter = reader.list("sasl_mechanism_filter");
  out.options = read_options(reader, "sasl_security_options");
  out.tls_options = read_options(reader, "sasl_tls_security_options");
  out.tls_verified_options = read_options(reader, "sasl_tls_verified_security_options");
  return out;
}

std::vector<smtp_client::LookupMethod> read_host_lookup(ClientReader& reader) {
  std::vector<smtp_client::LookupMethod> out;
  for (const auto& word : reader.list("host_lookup")) {
    if (iequals(word, "dns"))
      out.push_back(smtp_client::LookupMethod::dns);
    else if (iequals(word, "native"))
      out.push_back(smtp_client::LookupMethod::native);
    else
      reader.reject("host_lookup", fmt::format("unknown lookup method: {}", word));
  }
  return out;
}

void read_addresses(const config::Configuration& configuration, ClientReader& reader, ClientSettings& out) {
  const auto protocols = reader.common().list("inet_protocols");
  const auto speaks = [&](std::string_view wanted) {
    return std::ranges::any_of(protocols,
                               [&](const std::string& word) { return iequals(word, "all") || iequals(word, wanted); });
  };
  out.ipv4 = speaks("ipv4");
  out.ipv6 = speaks("ipv6") && configuration.machine.has_ipv6;
  const auto preference = reader.choice("address_preference");
  if (preference == "ipv4") out.address_preference = smtp_client::AddressPreference::ipv4;
  if (preference == "ipv6") out.address_preference = smtp_client::AddressPreference::ipv6;
  out.balance_protocols = reader.flag("balance_inet_protocols");
  out.randomize_addresses = reader.flag("randomize_addresses");
  out.own_addresses = own_addresses(configuration, reader.common());
  for (const auto& address : reader.common().list("proxy_interfaces")) out.own_addresses.push_back(address);
  out.bind_address = reader.text("bind_address");
  out.bind_address6 = reader.text("bind_address6");
  out.bind_address_enforce = reader.flag("bind_address_enforce");
}

void read_hosts(ClientReader& reader, ClientSettings& out) {
  // Of this service: -o relayhost softens its own troubles. Mail for an lmtp service never goes to the relayhost.
  if (!out.lmtp) out.relayhost = reader.common().text("relayhost");
  out.fallback_relay = reader.text("fallback_relay");
  out.host_lookup = read_host_lookup(reader);
  const auto support = reader.choice("dns_support_level");
  out.dns_enabled = support != "disabled" && !(support.empty() && reader.common().flag("disable_dns_lookups"));
  out.mx_address_limit = static_cast<std::size_t>(reader.number("mx_address_limit", 0, 1'000));
  out.mx_session_limit = static_cast<std::size_t>(reader.number("mx_session_limit", 0, 1'000));
  out.ignore_mx_lookup_error = reader.common().flag("ignore_mx_lookup_error");
  out.defer_if_no_mx_address_found = reader.flag("defer_if_no_mx_address_found");
  out.cname_overrides_servername = reader.flag("cname_overrides_servername");
}

void read_greeting(ClientReader& reader, tables::TableRegistry& registry, ClientSettings& out) {
  out.helo_name = reader.text(out.lmtp ? "lhlo_name" : "helo_name");
  out.default_port = reader.text("tcp_port");
  out.discard_ehlo_keywords = reader.list(out.lmtp ? "discard_lhlo_keywords" : "discard_ehlo_keywords");
  out.discard_ehlo_keyword_maps = tables::TableList(
      reader.text(out.lmtp ? "discard_lhlo_keyword_address_maps" : "discard_ehlo_keyword_address_maps"), registry);
  using Hello = smtp::ClientSessionSettings::Hello;
  if (out.lmtp) {
    out.hello = Hello::lhlo;
    return;
  }
  if (!reader.common().flag("smtp_always_send_ehlo")) out.hello = Hello::ehlo_if_greeted_so;
  if (reader.common().flag("smtp_never_send_ehlo")) out.hello = Hello::helo;
}

void read_content(ClientReader& reader, tables::TableRegistry& registry, ClientSettings& out) {
  out.reply_filter = tables::TableList(reader.text("reply_filter"), registry);
  out.quote_envelope = reader.flag("quote_rfc821_envelope");
  out.send_xforward = reader.flag("send_xforward_command");
  out.line_length_limit = static_cast<std::size_t>(reader.number("line_length_limit", 0, INT32_MAX));
  out.convert_eight_bit = !reader.common().flag("disable_mime_output_conversion");
  out.mime_nesting_limit = static_cast<std::size_t>(reader.common().number("mime_nesting_limit", 1, 10'000));
}

}  // namespace

smtp_client::ClientSettings read_client(const config::Configuration& configuration, config::Reader& common,
                                        tables::TableRegistry& registry) {
  ClientSettings out;
  const auto* const service = common.view().service();
  out.lmtp = service != nullptr && service->command == "lmtp";
  out.service = service == nullptr ? "smtp" : service->name;
  ClientReader reader(common, out.lmtp ? "lmtp" : "smtp");
  out.parameter_prefix = reader.prefix();
  out.my_hostname = common.text("myhostname");
  out.queue_directory = common.text("queue_directory");
  read_greeting(reader, registry, out);
  read_hosts(reader, out);
  read_addresses(configuration, reader, out);
  read_content(reader, registry, out);
  out.timeouts = read_timeouts(reader);
  out.tls = read_client_tls(reader, registry);
  out.sasl = read_sasl(reader, registry);
  out.cache = {.on_demand = reader.flag("connection_cache_on_demand"),
               .destinations = tables::MatchList(reader.name("connection_cache_destinations"),
                                                 reader.text("connection_cache_destinations"), registry),
               .idle_limit = reader.duration("connection_cache_time_limit"),
               .reuse_limit = reader.duration("connection_reuse_time_limit"),
               .reuse_count = static_cast<std::uint32_t>(reader.number("connection_reuse_count_limit", 0, INT32_MAX))};
  out.failures.soft_bounce = common.flag("soft_bounce");
  out.failures.skip_5xx_greeting = reader.flag("skip_5xx_greeting");
  out.failures.sasl_auth_soft_bounce = reader.flag("sasl_auth_soft_bounce");
  out.delay_decimals = static_cast<int>(common.number("delay_logging_resolution_limit", 0, 6));
  if (out.lmtp) out.final_delivery = reader.flag("assume_final");
  return out;
}

}  // namespace waypost::daemon
