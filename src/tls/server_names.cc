#include "tls/server_names.h"

#include <utility>

#include <openssl/ssl.h>

#include "base/text.h"
#include "tls/chain.h"

namespace waypost::tls {
namespace {

constexpr std::size_t kMaxNameBytes = 255;  // RFC 1035 §2.3.4

struct Names {
  ChainLookup lookup;
  NameTrouble trouble;
};

void free_names(void*, void* names, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Names*>(names); }

int names_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_names);
  return index;
}

// Tells the client that its name was heard.
int acknowledge(SSL* ssl, int*, void*) {
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name.front() == '.') return false;
  for (const char c : name) {
    if (!is_alnum(c) && c != '-' && c != '.' && c != '_') return false;
  }
  return true;
}

Result<std::optional<std::string>> find_chain(const Names& names, std::string key) {
  while (true) {
    auto found = names.lookup(key);
    if (!found || *found) return found;
    const auto dot = key.find('.', 1);
    if (dot == std::string::npos) return std::nullopt;
    key.erase(0, dot);
  }
}

Result<> show_chain(SSL* ssl, std::string_view pem) {
  const auto chain = Chain::read_text(pem);
  if (!chain) return std::unexpected(chain.error());
  return chain->use(ssl);
}

// 1: go on, 0: end the handshake.
int choose_certificate(SSL* ssl, void* argument) {
  const auto& names = *static_cast<const Names*>(argument);
  const char* const asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr || !is_host_name(asked)) return 1;
  const auto found = find_chain(names, to_lower(asked));
  if (found && !*found) return 1;
  auto used = found ? show_chain(ssl, **found) : Result<>(std::unexpected(found.error()));
  if (!used) names.trouble("TLS SNI " + std::string(asked) + ": " + used.error().text);
  return used ? 1 : 0;
}

}  // namespace

void use_server_names(SSL_CTX* context, ChainLookup lookup, NameTrouble trouble) {
  auto names = std::make_unique<Names>(Names{std::move(lookup), std::move(trouble)});
  SSL_CTX_set_tlsext_servername_callback(context, acknowledge);
  SSL_CTX_set_cert_cb(context, choose_certificate, names.get());
  SSL_CTX_set_ex_data(context, names_index(), names.release());
}

}  // namespace waypost::tls
