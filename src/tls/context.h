// What server and client contexts have in common. Inside tls/ only.
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "base/result.h"
#include "tls/server_context.h"

namespace waypost::tls {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, FreeContext>;

struct CommonSettings {
  std::string_view protocols;
  std::string_view ciphers;
  std::string_view exclude_ciphers;
  const Tuning& tuning;
  std::string_view ca_file;
  std::string_view ca_path;
  int verify_depth;
};

// A context with these settings, without renegotiation and compression, giving its buffers back when idle.
Result<ContextPtr> make_context(const SSL_METHOD* method, const CommonSettings& settings);

Result<> load_certificates(SSL_CTX* context, const CertificateFiles& files);

// OpenSSL's last reason, and an empty error queue.
std::string openssl_reason();

// "none" is how main.cf says "no file here".
inline bool is_set(std::string_view file) { return !file.empty() && file != "none"; }

}  // namespace waypost::tls
