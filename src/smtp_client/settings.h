// What one smtp or lmtp service of master.cf needs to know: its own record, so that a service's -o overrides are simply
// another instance. Names follow the parameters (smtp_mail_timeout -> timeouts.mail). An immutable snapshot; any
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "delivery/verdict.h"
#include "sasl/client.h"
#include "smtp/client_session.h"
#include "smtp/data_decoder.h"
#include "tables/match_list.h"
#include "tables/table_list.h"
#include "tls/client_context.h"
#include "tls/policy.h"

namespace waypost::smtp_client {

struct Timeouts {
  std::chrono::seconds connect{30};  // 0: the system's own limit
  std::chrono::seconds helo{300};    // greeting, EHLO and AUTH
  std::chrono::seconds starttls{300};
  std::chrono::seconds xforward{300};
  std::chrono::seconds mail{300};
  std::chrono::seconds rcpt{300};
  std::chrono::seconds data_init{120};
  std::chrono::seconds data_xfer{180};  // for each kContentChunkBytes
  std::chrono::seconds data_done{600};
  std::chrono::seconds rset{20};
  std::chrono::seconds quit{300};
  std::chrono::seconds dns{60};  // of one question
};

enum class LookupMethod : std::uint8_t { dns, native };
enum class AddressPreference : std::uint8_t { any, ipv4, ipv6 };

struct TlsSettings {
  tls::Level level = tls::Level::none;
  bool wrapper_mode = false;
  // Null: none could be made. Then nothing goes out at a mandatory level, and the other sends in clear.
  std::shared_ptr<const tls::ClientContext> opportunistic;  // smtp_tls_protocols, smtp_tls_ciphers
  std::shared_ptr<const tls::ClientContext> mandatory;      // smtp_tls_mandatory_protocols, ..._ciphers
  std::string verify_match = "hostname";                    // at level verify
  std::string secure_match = "nexthop, dot-nexthop";        // at level secure
  bool keep_connections = true;                             // smtp_tls_connection_reuse, where it is set
  std::vector<std::string> fingerprints;                    // at level fingerprint
  std::string fingerprint_digest = "sha256";
  tables::TableList policy_maps;
  std::shared_ptr<const tls::TrustAnchors> trust_anchors;  // at verify and secure, instead of CAfile and CApath
  // For policies that change one of them: what the contexts were made with. The mandatory list holds both exclusions.
  std::string opportunistic_ciphers = "medium", mandatory_ciphers = "medium";
  std::string exclude_ciphers, mandatory_exclude_ciphers;
  tls::Tuning tuning;
  std::string server_name;  // smtp_tls_servername: SNI; "hostname" and "nexthop" stand for those; empty: none
  int log_level = 0;
  bool note_starttls_offer = false;
  bool log_status = false;  // tls= in the delivery lines
  // A message that waited this long may go in clear after a failed handshake at level `may` (minimal_backoff_time).
  std::chrono::seconds plaintext_fallback_age{300};
};

struct SaslSettings {
  bool enabled = false;
  tables::TableList password_maps;
  char result_delimiter = ':';
  bool sender_dependent = false;
  bool send_mail_auth = false;  // smtp_send_dummy_mail_auth
  std::vector<std::string> mechanism_filter;
  sasl::SecurityOptions options{.noplaintext = true, .noanonymous = true};
  sasl::SecurityOptions tls_options{.noplaintext = true, .noanonymous = true};
  sasl::SecurityOptions tls_verified_options{.noplaintext = true, .noanonymous = true};
};

struct CacheSettings {
  bool on_demand = true;                  // smtp_connection_cache_on_demand
  tables::MatchList destinations;         // kept whatever the demand
  std::chrono::seconds idle_limit{2};     // smtp_connection_cache_time_limit
  std::chrono::seconds reuse_limit{300};  // smtp_connection_reuse_time_limit; 0: none
  std::uint32_t reuse_count = 0;          // smtp_connection_reuse_count_limit; 0: none
};

struct ClientSettings {
  std::string service = "smtp";
  std::string parameter_prefix = "smtp";  // or lmtp: of the names of its parameters, for messages
  bool lmtp = false;                      // RFC 2033: LHLO, a reply per recipient, no MX records, unix: nexthops
  bool final_delivery = false;            // lmtp_assume_final: the server delivers, it does not relay
  std::string my_hostname;
  std::string queue_directory;  // where the paths of unix: nexthops begin
  std::string helo_name;        // empty: my_hostname
  std::string default_port = "25";
  smtp::ClientSessionSettings::Hello hello = smtp::ClientSessionSettings::Hello::ehlo;
  std::vector<std::string> discard_ehlo_keywords;
  tables::TableList discard_ehlo_keyword_maps;  // by server address, instead of the list

  bool quote_envelope = true;  // smtp_quote_rfc821_envelope
  bool send_xforward = false;
  tables::TableList reply_filter;                    // smtp_reply_filter
  std::size_t line_length_limit = 998;               // longer content lines are folded; 0: none are
  smtp::StrayCr stray_cr = smtp::StrayCr::to_space;  // cleanup_replace_stray_cr_lf
  bool convert_eight_bit = true;  // for servers without 8BITMIME (disable_mime_output_conversion is off)
  std::size_t mime_nesting_limit = 100;

  std::string relayhost;       // main.cf's: its troubles never bounce mail
  std::string fallback_relay;  // a list of nexthops, tried after all others
  std::vector<LookupMethod> host_lookup{LookupMethod::dns};
  bool dns_enabled = true;        // smtp_dns_support_level is not `disabled`: MX records are looked up
  bool ipv4 = true, ipv6 = true;  // inet_protocols
  AddressPreference address_preference = AddressPreference::any;
  bool balance_protocols = true;  // neither address family takes all the attempts
  bool randomize_addresses = true;
  std::size_t mx_address_limit = 5;        // 0: no limit
  std::size_t mx_session_limit = 2;        // 0: no limit
  std::vector<std::string> own_addresses;  // inet_interfaces and proxy_interfaces, without brackets
  bool ignore_mx_lookup_error = false;
  bool defer_if_no_mx_address_found = false;
  bool cname_overrides_servername = false;
  std::string bind_address, bind_address6;  // empty: the system chooses
  bool bind_address_enforce = false;

  Timeouts timeouts;
  TlsSettings tls;
  SaslSettings sasl;
  CacheSettings cache;
  delivery::FailureSettings failures;
  int delay_decimals = 2;  // delay_logging_resolution_limit
};

}  // namespace waypost::smtp_client
