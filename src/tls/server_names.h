// One server, several names: which key and certificates a client is shown depends on the name that it asks for
// (RFC 6066 §3, tls_server_sni_maps).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;
using SSL_CTX = ssl_ctx_st;

namespace waypost::tls {

// A name in lower case ("mx.example.com", then ".example.com", ".com") -> key and certificates as PEM, in the order of
// chain files; nullopt: none, the next is tried and in the end the server's own are shown. An error refuses the
// handshake. Called on the session's io thread by several at once; must not block.
using ChainLookup = std::function<Result<std::optional<std::string>>(const std::string& name)>;
// Told about what goes wrong: "TLS SNI x.example: ..."
using NameTrouble = std::function<void(const std::string& text)>;

// The context keeps both, for as long as one of its sessions lives.
void use_server_names(SSL_CTX* context, ChainLookup lookup, NameTrouble trouble);

}  // namespace waypost::tls
