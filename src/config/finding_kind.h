// The kinds of findings: one stable code each, with what it means and what to do about it. docs/reference/findings.md
// is generated from this table (`waypost check --reference`). Codes are an interface: tools match them, so they are
// never renamed and never given another meaning. Immutable; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace waypost::config {

enum class Severity : unsigned char {
  info,     // worth knowing, nothing to do
  warning,  // probably not what was meant; Waypost runs
  error,    // Waypost refuses this configuration
};

// "info", "warning", "error"
std::string_view to_text(Severity severity);

// In the order of the table.
enum class FindingCode : unsigned char {
  other,
  // syntax
  bad_line,
  leading_blank,
  lost_indentation,
  comment_in_restrictions,
  comment_in_value,
  overridden_entry,
  bad_service_line,
  bad_service_option,
  // names
  unused_parameter,
  undefined_parameter,
  unsupported_parameter,
  parameter_without_effect,
  override_without_effect,
  // values
  bad_value,
  bad_pattern,
  // services
  duplicate_service,
  private_inet_service,
  unknown_command,
  unsupported_command,
  unknown_port,
  bad_listen_address,
  duplicate_listener,
  address_not_here,
  port_taken,
  port_needs_root,
  // files
  missing_file,
  unreadable_file,
  writable_by_others,
  wrong_owner,
  unknown_user,
  readable_secret,
  // tables
  table_unavailable,
  stale_table,
  duplicate_row,
  bad_row,
  shadowed_row,
  unreachable_row,
  // routing
  bad_route,
  unknown_transport,
  unavailable_transport,
  bad_nexthop,
  nexthop_without_brackets,
  nexthop_is_self,
  service_relayhost,
  domain_in_two_classes,
  local_mail_refused,
  // TLS
  no_certificate,
  bad_certificate,
  certificate_expired,
  certificate_expires_soon,
  certificate_not_yet_valid,
  no_trust_anchors,
  wrappermode_missing,
  wrappermode_unexpected,
  // authentication
  no_sasl_backend,
  credentials_missing,
  credentials_unused,
  password_in_clear,
  plaintext_mechanisms_off,
  submission_without_auth,
  authenticated_cannot_relay,
  // relay control
  unknown_restriction,
  removed_restriction,
  unsupported_restriction,
  bad_restriction,
  ignored_restriction,
  no_relay_protection,
  open_relay,
  forgeable_relay,
  wide_network,
  nobody_admitted,
  last,  // not a code
};

struct FindingKind {
  FindingCode code = FindingCode::other;
  std::string_view name;     // "unused-parameter"
  std::string_view chapter;  // of the reference page
  Severity usual = Severity::warning;
  std::string_view meaning;
  std::string_view remedy;  // one sentence without its full stop; empty: the text says all
};

std::span<const FindingKind> finding_kinds();
const FindingKind& kind_of(FindingCode code);
// Null for a name that is no code.
const FindingKind* find_finding_kind(std::string_view name);
// docs/reference/findings.md
std::string findings_reference();

}  // namespace waypost::config
