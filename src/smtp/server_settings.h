// What a listener's SMTP dialogue may and may not do. Values of main.cf and the service's -o, expanded; the name behind
// each member is the parameter's. Immutable while sessions use it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/data_decoder.h"
#include "smtp/line_reader.h"

namespace waypost::smtp {

// EHLO keywords that smtpd_discard_ehlo_keywords can hide, as bits.
struct EhloKeywords {
  static constexpr std::uint32_t kPipelining = 1, kSize = 2, kVrfy = 4, kEtrn = 8, kStarttls = 16, kAuth = 32,
                                 kEnhancedStatusCodes = 64, k8bitmime = 128, kDsn = 256, kSmtputf8 = 512,
                                 kChunking = 1024, kSilentDiscard = 2048, kXclient = 4096, kXforward = 8192,
                                 kVerp = 16384;
};
// A list of keywords in any case, separated by commas or blanks; `unknown` (may be null) gets what is none.
std::uint32_t parse_ehlo_keywords(std::string_view list, std::vector<std::string>* unknown = nullptr);

enum class ServerTls : std::uint8_t { none, may, encrypt };  // smtpd_tls_security_level

// Whether a command, in any case, is one of a set. Null: none is.
using CommandSet = std::function<bool(std::string_view word)>;

struct ServerSettings {
  std::string hostname = "localhost";              // myhostname
  std::string banner = "localhost ESMTP Postfix";  // smtpd_banner, expanded

  std::uint64_t message_size_limit = 10'240'000;  // bytes; 0: no limit
  std::size_t line_length_limit = kDefaultLineLimit;
  std::size_t recipient_limit = 1000;            // smtpd_recipient_limit; 0: no limit
  std::size_t recipient_overshoot_limit = 1000;  // smtpd_recipient_overshoot_limit
  std::size_t sasl_response_limit = 12'288;      // smtpd_sasl_response_limit

  std::size_t soft_error_limit = 10;         // smtpd_soft_error_limit
  std::size_t hard_error_limit = 20;         // smtpd_hard_error_limit
  std::size_t junk_command_limit = 100;      // smtpd_junk_command_limit
  std::chrono::seconds error_sleep_time{1};  // smtpd_error_sleep_time

  bool helo_required = false;               // smtpd_helo_required
  bool disable_vrfy = false;                // disable_vrfy_command
  bool strict_envelopes = false;            // strict_rfc821_envelopes
  bool smtputf8 = false;                    // smtputf8_enable
  bool soft_bounce = false;                 // soft_bounce
  bool numeric_domain = false;              // resolve_numeric_domain
  bool min_user = false;                    // allow_min_user
  std::uint32_t discard_ehlo_keywords = 0;  // smtpd_discard_ehlo_keywords, EhloKeywords bits

  BareNewline bare_newline = BareNewline::normalize;  // smtpd_forbid_bare_newline
  int bare_newline_reject_code = 550;                 // smtpd_forbid_bare_newline_reject_code
  StrayCr stray_cr = StrayCr::to_space;               // cleanup_replace_stray_cr_lf
  bool forbid_unauth_pipelining = true;               // smtpd_forbid_unauth_pipelining
  CommandSet forbidden_commands;                      // smtpd_forbidden_commands; asked for unknown commands alone
  CommandSet noop_commands;                           // smtpd_noop_commands

  ServerTls tls = ServerTls::none;
  bool tls_wrapper = false;          // smtpd_tls_wrappermode
  bool tls_auth_only = false;        // smtpd_tls_auth_only
  bool auth_enable = false;          // smtpd_sasl_auth_enable
  bool broken_auth_clients = false;  // broken_sasl_auth_clients: "AUTH=" as well
};

}  // namespace waypost::smtp
