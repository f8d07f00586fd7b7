#include "tls/context.h"

#include <openssl/err.h>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tls/chain.h"
#include "tls/policy.h"

namespace waypost::tls {

std::string openssl_reason() {
  const unsigned long code = ERR_peek_error();
  const char* const reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : "unknown error";
  if (code != 0 && ERR_SYSTEM_ERROR(code)) text = std::generic_category().message(ERR_GET_REASON(code));
  ERR_clear_error();
  return text;
}

bool CertificateFiles::empty() const {
  return std::ranges::none_of(chain_files, [](const std::string& file) { return is_set(file); }) &&
         !is_set(cert_file) && !is_set(eccert_file);
}

namespace {

Result<> set_protocols(SSL_CTX* context, std::string_view list) {
  const auto protocols = parse_protocols(list);
  if (!protocols) return std::unexpected(protocols.error());
  // 0 lifts the bounds of the system's openssl.cnf: main.cf alone decides, as it does under Postfix.
  SSL_CTX_set_min_proto_version(context, protocols->lowest);
  SSL_CTX_set_max_proto_version(context, protocols->highest);
  SSL_CTX_set_options(context, protocols->options);
  return {};
}

Result<> set_ciphers(SSL_CTX* context, const CommonSettings& settings) {
  const auto list = cipher_list(settings.ciphers, settings.exclude_ciphers, settings.tuning);
  if (!list) return std::unexpected(list.error());
  if (SSL_CTX_set_cipher_list(context, list->c_str()) != 1) {
    return fail(Errc::invalid, fmt::format("TLS cipher list \"{}\": {}", *list, openssl_reason()));
  }
  return {};
}

// A list with an unknown or repeated name would be refused as a whole.
Result<> set_groups(SSL_CTX* context, const std::vector<std::string>& groups) {
  std::vector<std::string_view> known;
  for (const std::string& group : groups) {
    const bool repeated = std::ranges::find(known, std::string_view(group)) != known.end();
    if (!repeated && SSL_CTX_set1_groups_list(context, group.c_str()) == 1) known.push_back(group);
  }
  ERR_clear_error();
  if (known.empty()) return {};
  const std::string list = fmt::format("{}", fmt::join(known, ":"));
  if (SSL_CTX_set1_groups_list(context, list.c_str()) == 1) return {};
  return fail(Errc::invalid, fmt::format("TLS groups \"{}\": {}", list, openssl_reason()));
}

Result<> load_authorities(SSL_CTX* context, std::string_view ca_file, std::string_view ca_path) {
  if (is_set(ca_file) && SSL_CTX_load_verify_file(context, std::string(ca_file).c_str()) != 1) {
    return fail(Errc::io,
                fmt::format("cannot load Certification Authority data, CAfile={}: {}", ca_file, openssl_reason()));
  }
  if (is_set(ca_path) && SSL_CTX_load_verify_dir(context, std::string(ca_path).c_str()) != 1) {
    return fail(Errc::io,
                fmt::format("cannot load Certification Authority data, CApath={}: {}", ca_path, openssl_reason()));
  }
  return {};
}

Result<> load_pair(SSL_CTX* context, const std::string& cert_file, const std::string& key_file) {
  if (SSL_CTX_use_certificate_chain_file(context, cert_file.c_str()) != 1) {
    return fail(Errc::io, fmt::format("cannot get certificate from file \"{}\": {}", cert_file, openssl_reason()));
  }
  const std::string& key = is_set(key_file) ? key_file : cert_file;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail(Errc::io, fmt::format("cannot get private key from file \"{}\": {}", key, openssl_reason()));
  }
  return {};
}

// A key, its certificate and issuers, and again for another kind of key: the order that Postfix's chain_files have.
Result<> load_chain_file(SSL_CTX* context, const std::string& file) {
  const auto in_file = [&file](const Error& error) {
    return fail(error.code, fmt::format("cannot use key and certificates in file \"{}\": {}", file, error.text));
  };
  const auto chain = Chain::read_file(file);
  if (!chain) return in_file(chain.error());
  if (const auto used = chain->use(context); !used) return in_file(used.error());
  return {};
}

}  // namespace

Result<> load_certificates(SSL_CTX* context, const CertificateFiles& files) {
  const bool chains = std::ranges::any_of(files.chain_files, is_set);
  for (const std::string& file : files.chain_files) {
    if (!is_set(file)) continue;
    if (auto loaded = load_chain_file(context, file); !loaded) return loaded;
  }
  if (chains) return {};  // as under Postfix, the older parameters are not looked at then
  if (is_set(files.cert_file)) {
    if (auto loaded = load_pair(context, files.cert_file, files.key_file); !loaded) return loaded;
  }
  if (is_set(files.eccert_file)) {
    if (auto loaded = load_pair(context, files.eccert_file, files.eckey_file); !loaded) return loaded;
  }
  return {};
}

Result<ContextPtr> make_context(const SSL_METHOD* method, const CommonSettings& settings) {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(method));
  if (!context) return fail(Errc::tls, "cannot make a TLS context: " + openssl_reason());
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | settings.tuning.options);
  if (auto done = set_groups(context.get(), settings.tuning.groups); !done) return std::unexpected(done.error());
  SSL_CTX_set_verify_depth(context.get(), settings.verify_depth);
  if (auto done = set_protocols(context.get(), settings.protocols); !done) return std::unexpected(done.error());
  if (auto done = set_ciphers(context.get(), settings); !done) return std::unexpected(done.error());
  if (auto done = load_authorities(context.get(), settings.ca_file, settings.ca_path); !done) {
    return std::unexpected(done.error());
  }
  return context;
}

}  // namespace waypost::tls
