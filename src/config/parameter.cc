#include "config/parameter.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace waypost::config {

namespace {

constexpr Parameter kParameters[] = {
#include "config/parameter_rows.inc"
};

constexpr std::string_view kPattern = "transport";

constexpr std::array<std::string_view, 17> kSuffixes = {"_delivery_slot_cost",
                                                        "_delivery_slot_discount",
                                                        "_delivery_slot_loan",
                                                        "_destination_concurrency_failed_cohort_limit",
                                                        "_destination_concurrency_limit",
                                                        "_destination_concurrency_negative_feedback",
                                                        "_destination_concurrency_positive_feedback",
                                                        "_destination_rate_delay",
                                                        "_destination_recipient_limit",
                                                        "_extra_recipient_limit",
                                                        "_initial_destination_concurrency",
                                                        "_minimum_delivery_slots",
                                                        "_recipient_limit",
                                                        "_recipient_refill_delay",
                                                        "_recipient_refill_limit",
                                                        "_time_limit",
                                                        "_transport_rate_delay"};

constexpr std::array<std::string_view, 9> kRaw = {"postscreen_expansion_filter",
                                                  "postscreen_reject_footer",
                                                  "command_execution_directory",
                                                  "default_rbl_reply",
                                                  "forward_path",
                                                  "luser_relay",
                                                  "mailbox_command",
                                                  "smtpd_expansion_filter",
                                                  "smtpd_reject_footer"};

// Texts that Postfix takes only with at least one character.
constexpr auto kNeverEmpty = std::to_array<std::string_view>({"2bounce_notice_recipient",
                                                              "address_verify_default_transport",
                                                              "address_verify_local_transport",
                                                              "address_verify_relay_transport",
                                                              "address_verify_service_name",
                                                              "address_verify_virtual_transport",
                                                              "bounce_notice_recipient",
                                                              "bounce_service_name",
                                                              "canonical_classes",
                                                              "cleanup_service_name",
                                                              "command_directory",
                                                              "command_expansion_filter",
                                                              "connection_cache_service_name",
                                                              "daemon_directory",
                                                              "data_directory",
                                                              "default_cache_db_type",
                                                              "default_database_type",
                                                              "default_destination_concurrency_negative_feedback",
                                                              "default_destination_concurrency_positive_feedback",
                                                              "default_privs",
                                                              "default_rbl_reply",
                                                              "default_transport",
                                                              "defer_service_name",
                                                              "delay_notice_recipient",
                                                              "dnsblog_service_name",
                                                              "double_bounce_sender",
                                                              "empty_address_default_transport_maps_lookup_key",
                                                              "empty_address_recipient",
                                                              "empty_address_relayhost_maps_lookup_key",
                                                              "error_notice_recipient",
                                                              "error_service_name",
                                                              "execution_directory_expansion_filter",
                                                              "flush_service_name",
                                                              "forward_expansion_filter",
                                                              "full_name_encoding_charset",
                                                              "hash_queue_names",
                                                              "header_from_format",
                                                              "html_directory",
                                                              "info_log_address_format",
                                                              "lmtp_address_preference",
                                                              "lmtp_address_verify_target",
                                                              "lmtp_host_lookup",
                                                              "lmtp_lhlo_name",
                                                              "lmtp_sasl_password_result_delimiter",
                                                              "lmtp_sasl_type",
                                                              "lmtp_tls_ciphers",
                                                              "lmtp_tls_fingerprint_digest",
                                                              "lmtp_tls_mandatory_ciphers",
                                                              "lmtp_tls_secure_cert_match",
                                                              "lmtp_tls_verify_cert_match",
                                                              "local_transport",
                                                              "mail_name",
                                                              "mail_owner",
                                                              "mail_release_date",
                                                              "mail_version",
                                                              "mailbox_delivery_lock",
                                                              "maillog_file_compressor",
                                                              "maillog_file_permissions",
                                                              "maillog_file_prefixes",
                                                              "maillog_file_rotate_suffix",
                                                              "mailq_path",
                                                              "manpage_directory",
                                                              "meta_directory",
                                                              "milter_default_action",
                                                              "milter_macro_daemon_name",
                                                              "milter_macro_v",
                                                              "milter_protocol",
                                                              "mydomain",
                                                              "myhostname",
                                                              "mynetworks_style",
                                                              "myorigin",
                                                              "newaliases_path",
                                                              "non_bdb_migration_level",
                                                              "non_empty_end_of_header_action",
                                                              "openssl_path",
                                                              "pickup_service_name",
                                                              "postlog_service_name",
                                                              "postscreen_bare_newline_action",
                                                              "postscreen_denylist_action",
                                                              "postscreen_dnsbl_action",
                                                              "postscreen_expansion_filter",
                                                              "postscreen_greet_action",
                                                              "postscreen_non_smtp_command_action",
                                                              "postscreen_pipelining_action",
                                                              "postscreen_tls_ciphers",
                                                              "postscreen_tls_eecdh_grade",
                                                              "postscreen_tls_fingerprint_digest",
                                                              "postscreen_tls_mandatory_ciphers",
                                                              "process_id_directory",
                                                              "proxymap_service_name",
                                                              "proxywrite_service_name",
                                                              "queue_directory",
                                                              "queue_service_name",
                                                              "readme_directory",
                                                              "recipient_canonical_classes",
                                                              "reject_tempfail_action",
                                                              "relay_transport",
                                                              "rewrite_service_name",
                                                              "sample_directory",
                                                              "sender_canonical_classes",
                                                              "sendmail_fix_line_endings",
                                                              "sendmail_path",
                                                              "setgid_group",
                                                              "shlib_directory",
                                                              "showq_service_name",
                                                              "smtp_address_preference",
                                                              "smtp_address_verify_target",
                                                              "smtp_helo_name",
                                                              "smtp_host_lookup",
                                                              "smtp_sasl_password_result_delimiter",
                                                              "smtp_sasl_type",
                                                              "smtp_tls_ciphers",
                                                              "smtp_tls_fingerprint_digest",
                                                              "smtp_tls_mandatory_ciphers",
                                                              "smtp_tls_secure_cert_match",
                                                              "smtp_tls_verify_cert_match",
                                                              "smtpd_banner",
                                                              "smtpd_expansion_filter",
                                                              "smtpd_forbid_bare_newline",
                                                              "smtpd_policy_service_default_action",
                                                              "smtpd_sasl_path",
                                                              "smtpd_sasl_service",
                                                              "smtpd_sasl_type",
                                                              "smtpd_service_name",
                                                              "smtpd_tls_ciphers",
                                                              "smtpd_tls_eecdh_grade",
                                                              "smtpd_tls_fingerprint_digest",
                                                              "smtpd_tls_mandatory_ciphers",
                                                              "smtputf8_autodetect_classes",
                                                              "syslog_facility",
                                                              "syslog_name",
                                                              "tls_dane_digests",
                                                              "tls_high_cipherlist",
                                                              "tls_medium_cipherlist",
                                                              "tls_null_cipherlist",
                                                              "tlsmgr_service_name",
                                                              "tlsproxy_client_fingerprint_digest",
                                                              "tlsproxy_service_name",
                                                              "tlsproxy_tls_ciphers",
                                                              "tlsproxy_tls_eecdh_grade",
                                                              "tlsproxy_tls_fingerprint_digest",
                                                              "tlsproxy_tls_mandatory_ciphers",
                                                              "trace_service_name",
                                                              "unknown_address_tempfail_action",
                                                              "unknown_helo_hostname_tempfail_action",
                                                              "unverified_recipient_tempfail_action",
                                                              "unverified_sender_tempfail_action",
                                                              "verp_delimiter_filter",
                                                              "virtual_mailbox_lock",
                                                              "virtual_transport"});

// Edit distance with insertions, deletions, substitutions and swaps of neighbours; gives up above `limit`.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
  if ((a.size() > b.size() ? a.size() - b.size() : b.size() - a.size()) > limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    std::size_t best = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
      best = std::min(best, row[j]);
    }
    if (best > limit) return limit + 1;
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::span<const Parameter> all_parameters() { return kParameters; }

const Parameter* find_parameter(std::string_view name) {
  const auto found = std::ranges::lower_bound(kParameters, name, {}, &Parameter::name);
  return found != std::end(kParameters) && found->name == name ? &*found : nullptr;
}

std::span<const std::string_view> transport_suffixes() { return kSuffixes; }

std::optional<TransportParameter> find_transport_parameter(std::string_view name) {
  std::optional<TransportParameter> best;
  std::size_t longest = 0;
  for (const std::string_view suffix : kSuffixes) {
    if (!name.ends_with(suffix) || name.size() == suffix.size() || suffix.size() < longest) continue;
    std::string pattern(kPattern);
    pattern += suffix;
    longest = suffix.size();
    best = TransportParameter{find_parameter(pattern), name.substr(0, name.size() - suffix.size())};
  }
  return best;
}

const Parameter* find_any_parameter(std::string_view name) {
  if (const Parameter* exact = find_parameter(name)) return exact;
  const auto derived = find_transport_parameter(name);
  return derived ? derived->pattern : nullptr;
}

bool is_raw(std::string_view name) { return std::ranges::find(kRaw, name) != kRaw.end(); }

bool may_be_empty(std::string_view name) { return !std::ranges::binary_search(kNeverEmpty, name); }

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names) {
  constexpr std::size_t kLongestName = 100;
  if (name.size() > kLongestName) return {};
  std::size_t limit = std::min<std::size_t>(3, name.size() / 4);
  std::string_view best;
  for (const std::string_view known : names) {
    const std::size_t d = distance(name, known, limit);
    if (d > limit || (!best.empty() && d == limit)) continue;
    best = known;
    limit = d;
    if (limit == 0) break;
  }
  return best;
}

std::string_view nearest_parameter(std::string_view name) {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const Parameter& parameter : kParameters) {
      if (parameter.type != Type::legacy) names.push_back(parameter.name);
    }
    return names;
  }();
  return nearest_name(name, kNames);
}

}  // namespace waypost::config
