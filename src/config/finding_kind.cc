#include "config/finding_kind.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace waypost::config {
namespace {

using enum FindingCode;
using enum Severity;

constexpr std::string_view kSyntax = "Syntax", kNames = "Names", kValues = "Values", kServices = "Services",
                           kFiles = "Files", kTables = "Lookup tables", kRouting = "Routing", kTls = "TLS",
                           kAuthentication = "Authentication", kRelay = "Relay control";

constexpr std::array kKinds = {
    FindingKind{other, "configuration", kValues, warning, "Something that has no code of its own.", ""},

    FindingKind{bad_line, "bad-line", kSyntax, error, "A line of main.cf that is not `name = value`.",
                "write `name = value`, or indent the line when it continues the one before"},
    FindingKind{leading_blank, "leading-blank", kSyntax, warning,
                "The first line of a file starts with a blank, so it continues nothing and is left out.",
                "remove the blanks at the start of the line"},
    FindingKind{lost_indentation, "lost-indentation", kSyntax, warning,
                "A line continues the one before, but is not indented. Postfix refuses such a file.",
                "indent the line by a blank"},
    FindingKind{comment_in_restrictions, "comment-in-restrictions", kSyntax, warning,
                "A `# text` after a restriction. Waypost leaves it out; Postfix would read its words as restrictions.",
                "put the comment on a line of its own"},
    FindingKind{comment_in_value, "comment-in-value", kSyntax, warning,
                "A `# text` after a value. It is no comment: it is part of the value.",
                "put the comment on a line of its own"},
    FindingKind{overridden_entry, "overridden-entry", kSyntax, warning,
                "main.cf sets a parameter twice; the last line counts.", "remove one of the two lines"},
    FindingKind{bad_service_line, "bad-service-line", kSyntax, error, "A line of master.cf that does not parse.",
                "write the eight columns: service type private unprivileged chroot wakeup maxproc command"},
    FindingKind{bad_service_option, "bad-service-option", kSyntax, warning,
                "An option of a service in master.cf that does not parse or is no option.",
                "write `-o name=value` without blanks, or `-o { name = value }`"},

    FindingKind{unused_parameter, "unused-parameter", kNames, warning,
                "A name that nothing reads: misspelt, or of another version.", "correct or remove the name"},
    FindingKind{undefined_parameter, "undefined-parameter", kNames, warning,
                "A `$name` that is defined nowhere; it stands for nothing.", "define the name or remove the reference"},
    FindingKind{unsupported_parameter, "unsupported-parameter", kNames, warning,
                "Postfix has this parameter, this version of Waypost does not act on it.",
                "do not rely on it; docs/reference/parameters.md lists what is honoured"},
    FindingKind{parameter_without_effect, "parameter-without-effect", kNames, info,
                "The parameter is about something that Waypost does not have.", ""},
    FindingKind{override_without_effect, "override-without-effect", kNames, warning,
                "A `-o` on a service whose program does not read it. Postfix ignores it without a word.",
                "move it to main.cf or to the service whose program reads it"},

    FindingKind{bad_value, "bad-value", kValues, error,
                "A value that does not parse, is out of range, or cannot be used.", "correct the value"},
    FindingKind{bad_pattern, "bad-pattern", kValues, warning,
                "An item of a pattern list that cannot be matched; mail that gets that far in the list is deferred.",
                "correct the item"},

    FindingKind{duplicate_service, "duplicate-service", kServices, warning,
                "master.cf has two entries for one service; the last one counts.", "remove one of the two"},
    FindingKind{private_inet_service, "private-inet-service", kServices, error,
                "A network service with `y` or `-` in the column private.", "write n in the third column"},
    FindingKind{unknown_command, "unknown-command", kServices, warning,
                "The eighth column names no program of Postfix.", "correct the name of the command"},
    FindingKind{unsupported_command, "unsupported-command", kServices, warning,
                "A program of Postfix that Waypost does not stand in for, or not as a network service.",
                "remove the service or comment it out"},
    FindingKind{unknown_port, "unknown-port", kServices, error,
                "The name of a network service is neither a port number nor in /etc/services.",
                "write the port as a number"},
    FindingKind{bad_listen_address, "bad-listen-address", kServices, error,
                "The host part of a network service is not an address.", "write the address: 127.0.0.1:25, [::1]:25"},
    FindingKind{duplicate_listener, "duplicate-listener", kServices, error,
                "Two services listen at the same address and port, one by number and one by name.",
                "remove one of the two"},
    FindingKind{address_not_here, "address-not-here", kServices, warning,
                "A service is to listen at an address that no interface of this host has.",
                "correct inet_interfaces or the service's address"},
    FindingKind{port_taken, "port-taken", kServices, warning,
                "Another program listens at an address and port that a service needs.",
                "stop the other program before the start (`ss -ltnp` names it)"},
    FindingKind{port_needs_root, "port-needs-root", kServices, warning,
                "The user who runs the check may not open a port of a service.",
                "start as root, or use a port above 1023"},

    FindingKind{missing_file, "missing-file", kFiles, error,
                "A file or folder that the configuration names is not there.", "create it or correct the name"},
    FindingKind{unreadable_file, "unreadable-file", kFiles, error, "A file may not be read.",
                "correct its owner or mode"},
    FindingKind{writable_by_others, "writable-by-others", kFiles, warning,
                "Who may write to a file of the configuration controls the relay.", "chmod go-w"},
    FindingKind{wrong_owner, "wrong-owner", kFiles, warning,
                "A file or folder belongs to somebody else than it should.", "chown it"},
    FindingKind{unknown_user, "unknown-user", kFiles, error, "mail_owner names a user that this host does not have.",
                "create the user (useradd --system --no-create-home), or set mail_owner"},
    FindingKind{readable_secret, "readable-secret", kFiles, warning,
                "Every user of this host can read a file that holds passwords or a private key.",
                "chmod o-rwx, and change what was in it"},

    FindingKind{table_unavailable, "table-unavailable", kTables, warning,
                "A lookup table cannot be opened; mail that needs it is deferred.",
                "create the file or correct type:name"},
    FindingKind{stale_table, "stale-table", kTables, warning,
                "The database is older than the text it was made from. Waypost reads the text; Postfix would not.",
                "run postmap on the file"},
    FindingKind{duplicate_row, "duplicate-row", kTables, warning,
                "A table has a key twice; the first row counts, the other is never used.", "remove one of the two"},
    FindingKind{bad_row, "bad-row", kTables, warning, "A line of a table that does not parse; it is left out.",
                "write `key value`"},
    FindingKind{shadowed_row, "shadowed-row", kTables, warning,
                "A row that never counts, because a table before it in the list has the key.",
                "remove the row or change the order of the tables"},
    FindingKind{unreachable_row, "unreachable-row", kTables, warning,
                "A row whose key is never looked up in a table of this kind.",
                "write the key as the manual page has it"},

    FindingKind{bad_route, "bad-route", kRouting, error, "A parameter that says where mail goes cannot be used.",
                "correct the value"},
    FindingKind{unknown_transport, "unknown-transport", kRouting, warning,
                "Mail is to go by a transport that master.cf does not define; it is deferred.",
                "define the service in master.cf, or write transport:nexthop"},
    FindingKind{unavailable_transport, "unavailable-transport", kRouting, warning,
                "Mail is to go by a program that this version of Waypost does not stand in for; it is deferred.",
                "route it by smtp, or refuse it with error:"},
    FindingKind{bad_nexthop, "bad-nexthop", kRouting, warning, "A nexthop that does not parse.",
                "write [host]:port, host or domain"},
    FindingKind{
        nexthop_without_brackets, "nexthop-without-brackets", kRouting, warning,
        "A host with a port, or an address, stands without brackets: it is looked up as a mail domain (MX) first.",
        "write it in brackets: [host]:port"},
    FindingKind{nexthop_is_self, "nexthop-is-self", kRouting, warning,
                "All mail is to go to this very host and port: a loop.", "name another host"},
    FindingKind{service_relayhost, "service-relayhost", kRouting, warning,
                "`-o relayhost=` on a delivery service is used as its default nexthop. Postfix would ignore it.",
                "none is needed; waypost_service_relayhost = no turns it off"},
    FindingKind{domain_in_two_classes, "domain-in-two-classes", kRouting, warning,
                "A domain is listed in two address classes; the first of them decides.", "list it in one of the two"},
    FindingKind{local_mail_refused, "local-mail-refused", kRouting, warning,
                "mydestination makes domains this host's own, but local_transport refuses mail for them.",
                "empty mydestination, or relay the domains"},

    FindingKind{no_certificate, "no-certificate", kTls, warning,
                "TLS is wanted of a listener that has no certificate: STARTTLS is not offered.",
                "set smtpd_tls_chain_files"},
    FindingKind{bad_certificate, "bad-certificate", kTls, error,
                "A certificate or key cannot be read, or the two do not belong together.",
                "correct the names of the files, or make the key and certificate anew"},
    FindingKind{certificate_expired, "certificate-expired", kTls, warning, "A certificate in use has expired.",
                "renew it"},
    FindingKind{certificate_expires_soon, "certificate-expires-soon", kTls, warning,
                "A certificate in use expires within 14 days.", "renew it"},
    FindingKind{certificate_not_yet_valid, "certificate-not-yet-valid", kTls, warning,
                "A certificate in use is not valid yet.", "check the clock, or use the certificate before it"},
    FindingKind{
        no_trust_anchors, "no-trust-anchors", kTls, warning,
        "The server's certificate must be verified, but no certification authority is trusted: nothing is sent.",
        "set smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt"},
    FindingKind{wrappermode_missing, "wrappermode-missing", kTls, warning,
                "Port 465 speaks TLS from the first byte, the service or client does not: connections hang.",
                "set smtpd_tls_wrappermode = yes (listener) or smtp_tls_wrappermode = yes (client)"},
    FindingKind{wrappermode_unexpected, "wrappermode-unexpected", kTls, warning,
                "TLS from the first byte on a port where STARTTLS is spoken: connections hang.",
                "set the wrapper mode to no, or use port 465"},

    FindingKind{no_sasl_backend, "no-sasl-backend", kAuthentication, warning,
                "AUTH is enabled, but there is nothing that could check a password.",
                "set smtpd_sasl_type = dovecot with smtpd_sasl_path, or waypost with waypost_sasl_password_file"},
    FindingKind{credentials_missing, "credentials-missing", kAuthentication, warning,
                "A server that wants a password, and no row of the password table fits it.",
                "add a row whose key is the nexthop exactly as it is routed, or the host name alone"},
    FindingKind{credentials_unused, "credentials-unused", kAuthentication, warning,
                "A row of a password table that fits no server mail is sent to.",
                "write the key exactly as the nexthop, with brackets and port, or remove the row"},
    FindingKind{password_in_clear, "password-in-clear", kAuthentication, warning,
                "Passwords may cross the network without encryption.",
                "set the TLS security level to encrypt, or smtpd_tls_auth_only = yes"},
    FindingKind{
        plaintext_mechanisms_off, "plaintext-mechanisms-off", kAuthentication, warning,
        "By default no mechanism that shows the password is used, also inside TLS; most providers have no other.",
        "set smtp_sasl_security_options = noanonymous and smtp_tls_security_level = encrypt"},
    FindingKind{submission_without_auth, "submission-without-auth", kAuthentication, warning,
                "A submission port where clients cannot authenticate.", "set smtpd_sasl_auth_enable = yes"},
    FindingKind{authenticated_cannot_relay, "authenticated-cannot-relay", kAuthentication, warning,
                "AUTH is enabled, but who authenticates is still refused.",
                "put permit_sasl_authenticated before the restriction that refuses"},

    FindingKind{unknown_restriction, "unknown-restriction", kRelay, warning,
                "No restriction has this name. When it is reached, clients get 451 4.3.5.", "correct the name"},
    FindingKind{removed_restriction, "removed-restriction", kRelay, warning,
                "A restriction that Postfix 3.9 removed. When it is reached, clients get 451 4.3.5.",
                "use what the text names instead"},
    FindingKind{unsupported_restriction, "unsupported-restriction", kRelay, error,
                "A restriction that this version of Waypost does not evaluate; the listener does not serve.",
                "remove it, or do its work with another one"},
    FindingKind{bad_restriction, "bad-restriction", kRelay, warning,
                "A restriction with a missing or wrong argument. When it is reached, clients get 451 4.3.5.",
                "correct the argument"},
    FindingKind{ignored_restriction, "ignored-restriction", kRelay, warning, "A restriction that is never reached.",
                "remove it, or move it before the one that ends the list"},
    FindingKind{no_relay_protection, "no-relay-protection", kRelay, error,
                "A listener that would relay for anybody; it does not serve.",
                "end smtpd_relay_restrictions with reject_unauth_destination or reject"},
    FindingKind{open_relay, "open-relay", kRelay, error, "Anybody may send mail to anywhere through a listener.",
                "see `waypost who-may-relay`; restrict mynetworks and end smtpd_relay_restrictions with "
                "reject_unauth_destination"},
    FindingKind{
        forgeable_relay, "forgeable-relay", kRelay, warning,
        "What a stranger merely claims (sender address, HELO name, address in a proxy's header) opens the relay to "
        "anywhere.",
        "put reject_unauth_destination before the restriction, or let only the proxy reach the port"},
    FindingKind{wide_network, "wide-network", kRelay, warning,
                "A network of mynetworks, or of those who may use XCLIENT, holds a large part of the Internet.",
                "list your own networks only"},
    FindingKind{nobody_admitted, "nobody-admitted", kRelay, warning,
                "A listener that refuses every client and every recipient.", "correct its restriction lists"},
};

consteval bool in_order() {
  if (kKinds.size() != static_cast<std::size_t>(last)) return false;
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i].code != static_cast<FindingCode>(i)) return false;
  }
  return true;
}
static_assert(in_order(), "the table has every code once, in the order of the enumeration");

}  // namespace

std::string_view to_text(Severity severity) {
  switch (severity) {
    case info:
      return "info";
    case warning:
      return "warning";
    case error:
      return "error";
  }
  return "error";
}

std::span<const FindingKind> finding_kinds() { return kKinds; }

const FindingKind& kind_of(FindingCode code) { return kKinds[static_cast<std::size_t>(code)]; }

const FindingKind* find_finding_kind(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name, &FindingKind::name);
  return found == kKinds.end() ? nullptr : &*found;
}

std::string findings_reference() {
  std::string out =
      "# Findings\n\n"
      "Generated by `waypost check --reference` from `src/config/finding_kind.cc`; do not edit.\n\n"
      "What `postfix check` (also `waypost check`), the start and a reload say about a configuration. A code never\n"
      "changes its meaning, so that scripts can match it. The severity is the usual one: an **error** makes start and\n"
      "reload refuse the files (an open relay is refused by the check only), a **warning** is probably not what was\n"
      "meant, an **info** needs nothing done.\n";
  std::string_view chapter;
  for (const FindingKind& kind : kKinds) {
    if (kind.code == other) continue;
    if (kind.chapter != chapter) {
      chapter = kind.chapter;
      out += fmt::format("\n## {}\n\n| code | severity | meaning | remedy |\n|---|---|---|---|\n", chapter);
    }
    out += fmt::format("| `{}` | {} | {} | {} |\n", kind.name, to_text(kind.usual), kind.meaning, kind.remedy);
  }
  out += fmt::format("\n`{}` ({}): {}\n", kKinds.front().name, to_text(kKinds.front().usual), kKinds.front().meaning);
  return out;
}

}  // namespace waypost::config
