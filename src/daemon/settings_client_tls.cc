// The TLS half of an smtp or lmtp service's settings.
#include <fmt/format.h>

#include "base/text.h"
#include "daemon/settings.h"
#include "daemon/settings_client.h"
#include "tls/client_context.h"

namespace waypost::daemon {
namespace {

tls::Level read_level(ClientReader& reader) {
  const auto text = reader.text("tls_security_level");
  if (text.empty()) {
    if (reader.flag("enforce_tls"))
      return reader.flag("tls_enforce_peername") ? tls::Level::verify : tls::Level::encrypt;
    return reader.flag("use_tls") ? tls::Level::may : tls::Level::none;
  }
  const auto level = tls::parse_level(text);
  if (!level) {
    reader.reject("tls_security_level", fmt::format("unknown TLS level: {}", text));
    return tls::Level::secure;
  }
  if (*level == tls::Level::dane || *level == tls::Level::dane_only) {
    reader.reject("tls_security_level",
                  fmt::format("level {} is not supported yet; use encrypt, verify or secure", text));
  }
  return *level;
}

std::shared_ptr<const tls::ClientContext> make_context(ClientReader& reader, const smtp_client::TlsSettings& tls,
                                                       bool mandatory) {
  tls::ClientSettings settings;
  settings.ca_file = reader.text("tls_CAfile");
  settings.ca_path = reader.text("tls_CApath");
  settings.system_authorities = reader.common().flag("tls_append_default_CA");
  const auto* const protocols = mandatory ? "tls_mandatory_protocols" : "tls_protocols";
  settings.protocols = reader.text(protocols);
  settings.ciphers = mandatory ? tls.mandatory_ciphers : tls.opportunistic_ciphers;
  settings.exclude_ciphers = mandatory ? tls.mandatory_exclude_ciphers : tls.exclude_ciphers;
  settings.tuning = tls.tuning;
  settings.certificates = {.chain_files = reader.list("tls_chain_files"),
                           .cert_file = reader.text("tls_cert_file"),
                           .key_file = reader.text("tls_key_file"),
                           .eccert_file = reader.text("tls_eccert_file"),
                           .eckey_file = reader.text("tls_eckey_file")};
  settings.verify_depth = static_cast<int>(reader.number("tls_scert_verifydepth", 0, 100));
  settings.session_lifetime = reader.duration("tls_session_cache_timeout");
  auto context = tls::ClientContext::create(settings);
  if (context) return *context;
  reject_tls(reader.common(), reader.name(protocols), reader.prefix(), context.error().text);
  return nullptr;
}

void read_ciphers(ClientReader& reader, smtp_client::TlsSettings& out) {
  out.tuning = read_tls_tuning(reader.common());
  out.opportunistic_ciphers = reader.text("tls_ciphers");
  out.mandatory_ciphers = reader.text("tls_mandatory_ciphers");
  out.exclude_ciphers = reader.text("tls_exclude_ciphers");
  out.mandatory_exclude_ciphers = out.exclude_ciphers + " " + reader.text("tls_mandatory_exclude_ciphers");
}

void read_trust_anchors(ClientReader& reader, smtp_client::TlsSettings& out) {
  const auto files = reader.list("tls_trust_anchor_file");
  if (files.empty()) return;
  auto anchors = tls::TrustAnchors::load(files);
  if (anchors) {
    out.trust_anchors = std::move(*anchors);
  } else {
    reader.reject("tls_trust_anchor_file", anchors.error().text);
  }
}

// Its MUST entries ask for encryption: to pass over them in silence would send mail in clear.
void refuse_per_site(ClientReader& reader) {
  constexpr std::string_view kPerSite = "tls_per_site";
  if (trim(reader.text(kPerSite)).empty() || !trim(reader.text("tls_policy_maps")).empty()) return;
  reader.reject(kPerSite, fmt::format("{} is obsolete and not supported; use {}", reader.name(kPerSite),
                                      reader.name("tls_policy_maps")));
}

}  // namespace

tls::Tuning read_tls_tuning(config::Reader& reader) {
  tls::Tuning out{.high = reader.text("tls_high_cipherlist"), .medium = reader.text("tls_medium_cipherlist")};
  out.groups = reader.list("tls_eecdh_auto_curves");
  for (auto& group : reader.list("tls_ffdhe_auto_groups")) out.groups.push_back(std::move(group));
  const auto options = tls::parse_ssl_options(reader.text("tls_ssl_options"));
  if (options) {
    out.options = *options;
  } else {
    reader.reject("tls_ssl_options", options.error().text);
  }
  return out;
}

smtp_client::TlsSettings read_client_tls(ClientReader& reader, tables::TableRegistry& registry) {
  smtp_client::TlsSettings out;
  refuse_per_site(reader);
  out.level = read_level(reader);
  out.wrapper_mode = reader.flag("tls_wrappermode");
  out.policy_maps = tables::TableList(reader.text("tls_policy_maps"), registry);
  read_ciphers(reader, out);
  if (out.level != tls::Level::none || out.wrapper_mode || !out.policy_maps.empty()) {
    out.opportunistic = make_context(reader, out, false);
    out.mandatory = make_context(reader, out, true);
    read_trust_anchors(reader, out);
  }
  out.verify_match = reader.text("tls_verify_cert_match");
  out.secure_match = reader.text("tls_secure_cert_match");
  // Postfix keeps no TLS connections by default, because it needs another process for them.
  out.keep_connections = !reader.is_set("tls_connection_reuse") || reader.flag("tls_connection_reuse");
  out.fingerprints = reader.list("tls_fingerprint_cert_match");
  out.fingerprint_digest = reader.text("tls_fingerprint_digest");
  out.server_name = reader.text("tls_servername");
  out.log_level = static_cast<int>(reader.number("tls_loglevel", 0, 4));
  out.note_starttls_offer = reader.flag("tls_note_starttls_offer");
  // Postfix 3.11 shows it by default, which pflogsumm and logwatch cannot read: only who asks for it gets it.
  out.log_status = reader.is_set("log_tls_feature_status") && reader.flag("log_tls_feature_status");
  out.plaintext_fallback_age = reader.common().duration("minimal_backoff_time");
  return out;
}

}  // namespace waypost::daemon
