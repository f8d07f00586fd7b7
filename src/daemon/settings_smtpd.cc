#include <fmt/format.h>

#include "base/text.h"
#include "daemon/settings.h"
#include "daemon/settings_client.h"
#include "tables/match_list.h"
#include "tls/peer.h"

namespace waypost::daemon {
namespace {

constexpr std::int64_t kMaxLimit = 1'000'000'000;

std::size_t limit_of(config::Reader& reader, std::string_view name, std::int64_t min = 0) {
  return static_cast<std::size_t>(reader.number(name, min, kMaxLimit));
}

// smtpd_tls_security_level, or the settings of old that it replaced.
smtp::ServerTls read_tls_level(config::Reader& reader) {
  const auto level = to_lower(reader.text("smtpd_tls_security_level"));
  if (level == "encrypt") return smtp::ServerTls::encrypt;
  if (level == "may") return smtp::ServerTls::may;
  if (level == "none") return smtp::ServerTls::none;
  if (!level.empty()) {
    reader.reject("smtpd_tls_security_level", fmt::format("unknown TLS level: {}", level));
    return smtp::ServerTls::encrypt;
  }
  if (reader.flag("smtpd_enforce_tls")) return smtp::ServerTls::encrypt;
  return reader.flag("smtpd_use_tls") ? smtp::ServerTls::may : smtp::ServerTls::none;
}

smtp::BareNewline read_bare_newline(config::Reader& reader) {
  const auto value = to_lower(reader.text("smtpd_forbid_bare_newline"));
  if (value == "no") return smtp::BareNewline::no;
  if (value == "yes" || value == "normalize") return smtp::BareNewline::normalize;
  if (value == "note") return smtp::BareNewline::note;
  if (value == "reject") return smtp::BareNewline::reject;
  reader.reject("smtpd_forbid_bare_newline", fmt::format("unknown value: {}", value));
  return smtp::BareNewline::normalize;
}

smtp::CommandSet read_commands(config::Reader& reader, std::string_view name, tables::TableRegistry& registry) {
  const auto list = std::make_shared<const tables::MatchList>(std::string(name), reader.text(name), registry);
  if (list->empty()) return nullptr;
  for (const auto& problem : list->problems()) reader.warn(name, problem, config::FindingCode::bad_pattern);
  if (!list->immediate()) {
    reader.reject(name, "a table that asks a server cannot be used here");
    return nullptr;
  }
  return [list](std::string_view word) { return list->matches_string_at_once(std::string(word)).value_or(false); };
}

void read_limits(config::Reader& reader, smtp::ServerSettings& out) {
  out.message_size_limit = static_cast<std::uint64_t>(reader.number("message_size_limit", 0));
  out.line_length_limit = limit_of(reader, "line_length_limit", 512);
  out.recipient_limit = limit_of(reader, "smtpd_recipient_limit", 1);
  out.recipient_overshoot_limit = limit_of(reader, "smtpd_recipient_overshoot_limit", 1);
  out.sasl_response_limit = limit_of(reader, "smtpd_sasl_response_limit", 1);
  out.soft_error_limit = limit_of(reader, "smtpd_soft_error_limit", 1);
  out.hard_error_limit = limit_of(reader, "smtpd_hard_error_limit", 1);
  out.junk_command_limit = limit_of(reader, "smtpd_junk_command_limit", 1);
  out.error_sleep_time = reader.duration("smtpd_error_sleep_time");
}

smtp_server::RateLimits read_rate_limits(config::Reader& reader) {
  using Event = smtp_server::RateEvent;
  smtp_server::RateLimits out;
  const auto set = [&](Event event, std::int64_t limit) {
    out.by_event[static_cast<std::size_t>(event)] = static_cast<std::uint32_t>(limit);
  };
  set(Event::connection, reader.number("smtpd_client_connection_rate_limit", 0, kMaxLimit));
  set(Event::message, reader.number("smtpd_client_message_rate_limit", 0, kMaxLimit));
  set(Event::recipient, reader.number("smtpd_client_recipient_rate_limit", 0, kMaxLimit));
  set(Event::auth, reader.number("smtpd_client_auth_rate_limit", 0, kMaxLimit));
  set(Event::tls_session, reader.number("smtpd_client_new_tls_session_rate_limit", 0, kMaxLimit));
  return out;
}

}  // namespace

smtp::ServerSettings read_server(config::Reader& reader) {
  smtp::ServerSettings out;
  out.hostname = reader.text("myhostname");
  out.banner = reader.text("smtpd_banner");
  read_limits(reader, out);
  out.helo_required = reader.flag("smtpd_helo_required");
  out.disable_vrfy = reader.flag("disable_vrfy_command");
  out.strict_envelopes = reader.flag("strict_rfc821_envelopes");
  out.smtputf8 = reader.flag("smtputf8_enable");
  out.soft_bounce = reader.flag("soft_bounce");
  out.numeric_domain = reader.flag("resolve_numeric_domain");
  out.min_user = reader.flag("allow_min_user");
  std::vector<std::string> unknown;
  out.discard_ehlo_keywords = smtp::parse_ehlo_keywords(reader.text("smtpd_discard_ehlo_keywords"), &unknown);
  for (const auto& keyword : unknown)
    reader.warn("smtpd_discard_ehlo_keywords", fmt::format("unknown EHLO keyword \"{}\"", keyword));
  out.bare_newline = read_bare_newline(reader);
  out.bare_newline_reject_code = static_cast<int>(reader.number("smtpd_forbid_bare_newline_reject_code", 400, 599));
  out.forbid_unauth_pipelining = reader.flag("smtpd_forbid_unauth_pipelining");
  out.tls = read_tls_level(reader);
  out.tls_wrapper = reader.flag("smtpd_tls_wrappermode");
  out.tls_auth_only = reader.flag("smtpd_tls_auth_only");
  out.auth_enable = reader.flag("smtpd_sasl_auth_enable");
  out.broken_auth_clients = reader.flag("broken_sasl_auth_clients");
  return out;
}

namespace {

// notify_classes, as far as a session can meet them. 2bounce and delay are about queued mail.
smtp_server::NoticeSettings read_notices(config::Reader& reader) {
  smtp_server::NoticeSettings out;
  for (const auto& name : reader.list("notify_classes")) {
    if (const auto bit = smtp::parse_trouble(name)) {
      out.classes |= *bit;
    } else if (!iequals(name, "2bounce") && !iequals(name, "delay")) {
      reader.reject("notify_classes", fmt::format("unknown notification class: {}", name));
    }
  }
  out.error_recipient = reader.text("error_notice_recipient");
  out.bounce_recipient = reader.text("bounce_notice_recipient");
  out.origin = reader.text("myorigin");
  out.mail_name = reader.text("mail_name");
  out.double_bounce_sender = reader.text("double_bounce_sender");
  return out;
}

}  // namespace

smtp_server::ServiceSettings read_service(config::Reader& reader, tables::TableRegistry& registry) {
  smtp_server::ServiceSettings out;
  out.protocol = read_server(reader);
  out.protocol.forbidden_commands = read_commands(reader, "smtpd_forbidden_commands", registry);
  out.protocol.noop_commands = read_commands(reader, "smtpd_noop_commands", registry);
  out.timeout = reader.duration("smtpd_timeout", std::chrono::seconds(1));
  out.starttls_timeout = reader.duration("smtpd_starttls_timeout", std::chrono::seconds(1));
  out.tls_loglevel = static_cast<int>(reader.number("smtpd_tls_loglevel", 0, 4));
  out.tls_received_header = reader.flag("smtpd_tls_received_header");
  out.tls_require_certificate = reader.flag("smtpd_tls_req_ccert");
  out.tls_ask_certificate = reader.flag("smtpd_tls_ask_ccert") || out.tls_require_certificate;
  out.tls_fingerprint_digest = reader.text("smtpd_tls_fingerprint_digest");
  if (!tls::is_digest(out.tls_fingerprint_digest)) {
    reader.reject("smtpd_tls_fingerprint_digest", fmt::format("unknown digest: {}", out.tls_fingerprint_digest));
  }
  out.proxy_header = reader.choice("smtpd_upstream_proxy_protocol") == "haproxy";
  out.proxy_timeout = reader.duration("smtpd_upstream_proxy_timeout", std::chrono::seconds(1));
  out.log_client_port = reader.flag("smtpd_client_port_logging");
  out.hide_client_session = reader.flag("smtpd_hide_client_session");
  out.trace = std::make_shared<const intake::TraceSettings>(read_trace(reader));
  out.rate_limits = read_rate_limits(reader);
  out.notices = read_notices(reader);
  out.per_request_deadline = reader.flag("smtpd_per_request_deadline");
  out.min_data_rate = static_cast<std::uint32_t>(reader.number("smtpd_min_data_rate", 1, kMaxLimit));
  out.ipv4_prefix_length = static_cast<unsigned>(reader.number("smtpd_client_ipv4_prefix_length", 0, 32));
  out.ipv6_prefix_length = static_cast<unsigned>(reader.number("smtpd_client_ipv6_prefix_length", 0, 128));
  return out;
}

namespace {

// smtpd_tls_eecdh_grade: "auto" is the list of curves, the others are one curve each, as of old.
void apply_curve_grade(config::Reader& reader, tls::Tuning& tuning) {
  const auto grade = to_lower(reader.text("smtpd_tls_eecdh_grade"));
  if (grade == "auto") return;
  tuning.groups = reader.list("tls_ffdhe_auto_groups");
  if (grade == "strong" || grade == "ultra") {
    tuning.groups.insert(tuning.groups.begin(),
                         reader.text(grade == "strong" ? "tls_eecdh_strong_curve" : "tls_eecdh_ultra_curve"));
  } else if (grade != "none") {
    reader.reject("smtpd_tls_eecdh_grade", fmt::format("unknown grade: {}", grade));
  }
}

}  // namespace

tls::ServerSettings read_server_tls(config::Reader& reader, bool mandatory) {
  tls::ServerSettings out;
  out.certificates = {.chain_files = reader.list("smtpd_tls_chain_files"),
                      .cert_file = reader.text("smtpd_tls_cert_file"),
                      .key_file = reader.text("smtpd_tls_key_file"),
                      .eccert_file = reader.text("smtpd_tls_eccert_file"),
                      .eckey_file = reader.text("smtpd_tls_eckey_file")};
  out.ca_file = reader.text("smtpd_tls_CAfile");
  out.ca_path = reader.text("smtpd_tls_CApath");
  out.protocols = reader.text(mandatory ? "smtpd_tls_mandatory_protocols" : "smtpd_tls_protocols");
  out.ciphers = reader.text(mandatory ? "smtpd_tls_mandatory_ciphers" : "smtpd_tls_ciphers");
  out.exclude_ciphers = reader.text("smtpd_tls_exclude_ciphers");
  if (mandatory) out.exclude_ciphers += " " + reader.text("smtpd_tls_mandatory_exclude_ciphers");
  out.tuning = read_tls_tuning(reader);
  out.ask_client_certificate = reader.flag("smtpd_tls_ask_ccert") || reader.flag("smtpd_tls_req_ccert");
  out.verify_depth = static_cast<int>(reader.number("smtpd_tls_ccert_verifydepth", 0, 1000));
  out.prefer_our_ciphers = reader.flag("tls_preempt_cipherlist");
  apply_curve_grade(reader, out.tuning);
  out.session_lifetime = reader.duration("smtpd_tls_session_cache_timeout");
  out.dh_parameters_file = reader.text("smtpd_tls_dh1024_param_file");
  return out;
}

void reject_tls(config::Reader& reader, std::string_view fallback, std::string_view prefix, const std::string& text) {
  for (const auto* suffix : {"_tls_key_file", "_tls_cert_file", "_tls_eckey_file", "_tls_eccert_file",
                             "_tls_chain_files", "_tls_CAfile", "_tls_CApath"}) {
    const auto name = fmt::format("{}{}", prefix, suffix);
    if (!reader.is_set(name)) continue;  // its default is the file of another one
    for (const auto& file : reader.list(name)) {
      if (text.find(file) != std::string::npos) return reader.reject(name, text, config::FindingCode::bad_certificate);
    }
  }
  for (const auto* suffix : {"_tls_mandatory_ciphers", "_tls_ciphers"}) {
    const auto name = fmt::format("{}{}", prefix, suffix);
    if (reader.is_set(name) && text.ends_with(fmt::format("\"{}\"", reader.text(name))))
      return reader.reject(name, text);
  }
  reader.reject(fallback, text);
}

}  // namespace waypost::daemon
