#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "base/text.h"
#include "config/inet_settings.h"
#include "daemon/settings.h"
#include "routing/nexthop.h"

namespace waypost::daemon {
namespace {

bool is_loopback(std::string_view address) { return address == "::1" || address.starts_with("127."); }

bool protocol_enabled(config::Reader& reader, std::string_view protocol) {
  const auto protocols = reader.list("inet_protocols");
  return std::ranges::any_of(protocols,
                             [&](const std::string& word) { return iequals(word, "all") || iequals(word, protocol); });
}

std::string without_brackets(std::string_view address) {
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return std::string(address);
}

constexpr std::array<std::string_view, 3> kStandardTransports = {"smtp", "relay", "lmtp"};

// The custom-named smtp services that carry their own relayhost: the nexthop that their author meant, and that Postfix
// would not use.
std::map<std::string, std::string, std::less<>> service_relayhosts(const config::Configuration& configuration,
                                                                   config::Findings& findings) {
  std::map<std::string, std::string, std::less<>> out;
  for (const auto& service : configuration.master.services()) {
    if (service.type != "unix" || (service.command != "smtp" && service.command != "lmtp") ||
        configuration.master.is_replaced(service))
      continue;
    if (std::ranges::find(kStandardTransports, std::string_view(service.name)) != kStandardTransports.end()) continue;
    if (service.find_override("relayhost") == nullptr) continue;
    const auto relayhost = configuration.view(&service).value("relayhost");
    if (!relayhost || trim(*relayhost).empty()) continue;
    findings.push_back(config::make_finding(
        config::FindingCode::service_relayhost, service.file, service.line,
        fmt::format("service {}: relayhost override used as default nexthop (Postfix would ignore it)", service.name)));
    out.emplace(service.name, trim(*relayhost));
  }
  return out;
}

}  // namespace

bool names_feature(config::Reader& reader, std::string_view parameter, std::string_view feature) {
  const auto items = reader.list(parameter);
  return std::ranges::any_of(items, [&](const std::string& item) { return iequals(item, feature); });
}

Paths read_paths(config::Reader& reader) {
  auto paths = make_paths(reader.text("queue_directory"), reader.text("waypost_control_socket"));
  const auto pid = reader.text("process_id_directory");  // relative: below $queue_directory
  paths.pid_file = (pid.starts_with('/') ? pid : paths.queue_directory + "/" + pid) + "/master.pid";
  return paths;
}

std::vector<std::string> own_addresses(const config::Configuration& configuration, config::Reader& reader) {
  std::vector<std::string> all;
  for (const auto& interface : configuration.machine.interfaces) {
    if (protocol_enabled(reader, interface.is_ipv6 ? "ipv6" : "ipv4")) all.push_back(config::address_text(interface));
  }
  const int family = config::inet_family(reader.text("inet_protocols"));
  std::vector<std::string> out;
  for (const auto& word : reader.list("inet_interfaces")) {
    if (iequals(word, "all")) return all;
    if (iequals(word, "loopback-only")) {
      std::ranges::copy_if(all, std::back_inserter(out), is_loopback);
    } else {
      std::ranges::move(config::interface_addresses(word, family), std::back_inserter(out));
    }
  }
  return out;
}

void check_identity(config::Reader& reader) {
  for (const auto* name : {"myhostname", "mydomain"}) {
    const std::string value = reader.text(name);
    if (!routing::is_hostname(value))
      reader.reject(name, fmt::format("parameter {}: bad parameter value: {}", name, printable(value, 100)));
  }
}

routing::DomainSettings read_domains(const config::Configuration& configuration, config::Reader& reader) {
  routing::DomainSettings out;
  out.mydestination = reader.text("mydestination");
  out.virtual_alias_domains = reader.text("virtual_alias_domains");
  out.virtual_mailbox_domains = reader.text("virtual_mailbox_domains");
  out.relay_domains = reader.text("relay_domains");
  out.relay_domains_match_parents = names_feature(reader, "parent_domain_matches_subdomains", "relay_domains");
  out.own_addresses = own_addresses(configuration, reader);
  for (const auto& word : reader.list("proxy_interfaces")) out.proxy_addresses.push_back(without_brackets(word));
  return out;
}

routing::RouterSettings read_router(const config::Configuration& configuration, config::Reader& reader,
                                    config::Findings& findings) {
  routing::RouterSettings out;
  out.rewrite = {.myorigin = reader.text("myorigin"),
                 .mydomain = reader.text("mydomain"),
                 .append_at_myorigin = reader.flag("append_at_myorigin"),
                 .append_dot_mydomain = reader.flag("append_dot_mydomain"),
                 .swap_bangpath = reader.flag("swap_bangpath"),
                 .allow_percent_hack = reader.flag("allow_percent_hack")};
  out.myhostname = reader.text("myhostname");
  out.empty_address_recipient = reader.text("empty_address_recipient");
  out.local_transport = reader.text("local_transport");
  out.virtual_transport = reader.text("virtual_transport");
  out.relay_transport = reader.text("relay_transport");
  out.default_transport = reader.text("default_transport");
  out.relayhost = reader.text("relayhost");
  out.resolve_dequoted_address = reader.flag("resolve_dequoted_address");
  out.resolve_null_domain = reader.flag("resolve_null_domain");
  out.resolve_numeric_domain = reader.flag("resolve_numeric_domain");
  out.allow_min_user = reader.flag("allow_min_user");
  out.smtputf8_enable = reader.flag("smtputf8_enable");
  out.show_user_unknown_table_name = reader.flag("show_user_unknown_table_name");
  if (reader.flag("waypost_service_relayhost")) out.service_relayhosts = service_relayhosts(configuration, findings);
  return out;
}

intake::TraceSettings read_trace(config::Reader& reader) {
  return {.myhostname = reader.text("myhostname"),
          .mail_name = reader.text("mail_name"),
          .sasl_authenticated_header = reader.flag("smtpd_sasl_authenticated_header")};
}

intake::IntakeSettings read_intake(config::Reader& reader) {
  intake::IntakeSettings out;
  out.headers.myhostname = reader.text("myhostname");
  out.headers.drop = reader.list("message_drop_headers");
  out.headers.undisclosed_recipients = reader.text("undisclosed_recipients_header");
  out.message_size_limit = static_cast<std::uint64_t>(reader.number("message_size_limit", 0));
  out.queue_minfree = static_cast<std::uint64_t>(reader.number("queue_minfree", 0));
  out.headers.size_limit = static_cast<std::size_t>(reader.number("header_size_limit", 1));
  out.hopcount_limit = static_cast<std::uint32_t>(reader.number("hopcount_limit", 1, 1'000'000));
  out.always_add_missing_headers = reader.flag("always_add_missing_headers");
  out.keep_original_recipients = reader.flag("enable_original_recipient");
  return out;
}

dns::ResolverSettings read_resolver(config::Reader& reader) {
  dns::ResolverSettings out;
  out.servers = reader.list("waypost_resolver");
  // A name server that the operator names is asked about every zone, also those that are kept local otherwise.
  if (!out.servers.empty())
    out.transparent_zones = {"test.", "example.", "invalid.", "localhost.", "127.in-addr.arpa.", "10.in-addr.arpa."};
  return out;
}

namespace {

void read_reply_codes(config::Reader& reader, access::AccessSettings& out) {
  const auto code = [](std::int64_t number) { return static_cast<int>(number); };
  constexpr std::int64_t kMin = 400, kMax = 599;
  out.reject_code = code(reader.number("reject_code", kMin, kMax));
  out.defer_code = code(reader.number("defer_code", kMin, kMax));
  out.relay_domains_reject_code = code(reader.number("relay_domains_reject_code", kMin, kMax));
  out.plaintext_reject_code = code(reader.number("plaintext_reject_code", kMin, kMax));
  out.unknown_local_recipient_reject_code = code(reader.number("unknown_local_recipient_reject_code", kMin, kMax));
  out.unknown_relay_recipient_reject_code = code(reader.number("unknown_relay_recipient_reject_code", kMin, kMax));
  out.unknown_virtual_alias_reject_code = code(reader.number("unknown_virtual_alias_reject_code", kMin, kMax));
}

}  // namespace

access::AccessSettings read_access(config::Reader& reader) {
  access::AccessSettings out;
  out.client_restrictions = reader.text("smtpd_client_restrictions");
  out.helo_restrictions = reader.text("smtpd_helo_restrictions");
  out.sender_restrictions = reader.text("smtpd_sender_restrictions");
  out.relay_restrictions = reader.text("smtpd_relay_restrictions");
  out.recipient_restrictions = reader.text("smtpd_recipient_restrictions");
  out.data_restrictions = reader.text("smtpd_data_restrictions");
  out.end_of_data_restrictions = reader.text("smtpd_end_of_data_restrictions");
  out.etrn_restrictions = reader.text("smtpd_etrn_restrictions");
  for (const auto& name : reader.list("smtpd_restriction_classes")) {
    if (reader.is_set(name)) {
      out.classes.emplace(name, reader.text(name));
    } else {
      reader.reject("smtpd_restriction_classes", fmt::format("restriction class `{}' needs a definition", name));
    }
  }
  out.delay_reject = reader.flag("smtpd_delay_reject");
  out.relay_before_recipient = reader.flag("smtpd_relay_before_recipient_restrictions");
  out.soft_bounce = reader.flag("soft_bounce");
  out.reject_unlisted_recipient = reader.flag("smtpd_reject_unlisted_recipient");
  out.reject_unlisted_sender = reader.flag("smtpd_reject_unlisted_sender");
  out.allow_untrusted_routing = reader.flag("allow_untrusted_routing");
  read_reply_codes(reader, out);
  // The default names files that a host without local mail need not have.
  const bool has_local_mail = !trim(reader.text("mydestination")).empty() || reader.is_set("local_recipient_maps");
  if (has_local_mail) out.local_recipient_maps = reader.text("local_recipient_maps");
  out.relay_recipient_maps = reader.text("relay_recipient_maps");
  out.recipient_delimiter = reader.text("recipient_delimiter");
  out.double_bounce_sender = reader.text("double_bounce_sender");
  out.relay_clientcerts = reader.text("relay_clientcerts");
  out.asks_for_certificates = reader.flag("smtpd_tls_ask_ccert");
  out.local_header_rewrite_clients = reader.text("local_header_rewrite_clients");
  out.mynetworks = reader.text("mynetworks");
  out.mynetworks_match_parents = names_feature(reader, "parent_domain_matches_subdomains", "mynetworks");
  return out;
}

}  // namespace waypost::daemon
