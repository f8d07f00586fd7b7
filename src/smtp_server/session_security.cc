// The session's TLS and authentication.
#include <utility>

#include <fmt/format.h>

#include "smtp_server/session_impl.h"
#include "tls/peer.h"

namespace waypost::smtp_server {

using smtp::Action;

// RFC 3207 §4.2: what the client sent behind STARTTLS in plaintext is thrown away.
net::Task<Action> Session::start_tls() {
  drop_input();
  reader_.clear();
  const bool flushed = co_await flush();
  const bool encrypted = flushed && co_await shake_hands();
  const Action next = protocol_.on_tls(encrypted);
  if (encrypted) co_await learn_mechanisms();
  co_return next;
}

net::Task<bool> Session::shake_hands() {
  const auto& context = service_->tls_context;
  auto ssl = context ? context->new_session() : Result<SSL*>(fail(Errc::tls, "no usable certificate"));
  if (!ssl) {
    log_.log().warning("Wrapper-mode request dropped from {} for service {}. TLS context initialization failed: {}",
                       log_.client(), settings().name, ssl.error().text);
    end_ = End::lost;
    co_return false;
  }
  const auto done = co_await stream_.handshake(*ssl, net::TlsRole::server, deadline(settings().starttls_timeout));
  if (!done) {
    log_.tls_failed(done.error());
    end_ = End::lost;
    co_return false;
  }
  remember_tls();
  co_return true;
}

void Session::remember_tls() {
  const SSL* ssl = stream_.ssl();
  if (settings().tls_loglevel >= 1) {
    const auto peer = tls::inspect_peer(ssl);
    const auto trust = tls::trust_word(tls::trust_of(peer, false));
    log_.tls_established(trust, peer.resumed, tls::describe(ssl));
  }
  if (!settings().tls_received_header) return;
  const auto facts = tls::session_facts(ssl);
  tls_lines_ = fmt::format("\t(using {} with cipher {} ({}/{} bits)", facts.protocol, facts.cipher, facts.bits_used,
                           facts.bits_of_algorithm);
  if (!facts.key_exchange.empty()) {
    tls_lines_ += fmt::format("\r\n\t key-exchange {}", facts.key_exchange);
    if (!facts.server_signature.empty()) tls_lines_ += fmt::format(" server-signature {}", facts.server_signature);
    if (!facts.server_digest.empty()) tls_lines_ += fmt::format(" server-digest {}", facts.server_digest);
  }
  tls_lines_ += settings().tls_ask_certificate ? ")\r\n\t(Client did not present a certificate)\r\n"
                                               : ")\r\n\t(No client certificate requested)\r\n";
}

net::Task<void> Session::learn_mechanisms() {
  if (!service_->authenticator || !protocol_.wants_sasl_mechanisms()) co_return;
  std::string mechanisms = co_await service_->authenticator->mechanisms(protocol_.encrypted());
  protocol_.set_sasl_mechanisms(std::move(mechanisms));
}

net::Task<Action> Session::authenticate(bool first) {
  const std::string mechanism = protocol_.sasl_mechanism();
  const std::string response = protocol_.sasl_response();
  if (first) {
    const AuthClient client{subject_.client_address, stream_.local().address, protocol_.encrypted()};
    exchange_ = service_->authenticator->begin(mechanism, client);
  }
  smtp::SaslAnswer answer{smtp::SaslAnswer::Kind::failure, {}, {}};
  if (!exchange_) {
    answer.text = fmt::format("Invalid authentication mechanism: '{}'", mechanism);
  } else if (first) {
    answer = co_await exchange_->start(protocol_.has_sasl_response() ? &response : nullptr);
  } else {
    answer = co_await exchange_->next(response);
  }
  if (answer.kind != smtp::SaslAnswer::Kind::challenge) exchange_.reset();
  const bool failed =
      answer.kind == smtp::SaslAnswer::Kind::failure || answer.kind == smtp::SaslAnswer::Kind::temporary;
  if (failed) log_.auth_failed(answer);
  co_return protocol_.on_sasl(answer);
}

}  // namespace waypost::smtp_server
