// The session's TLS and authentication.
#include <utility>

#include <fmt/format.h>

#include "intake/received.h"
#include "smtp_server/session_impl.h"

namespace waypost::smtp_server {

using smtp::Action;

// RFC 3207 §4.2: what the client sent behind STARTTLS in plaintext is thrown away.
net::Task<Action> Session::start_tls() {
  drop_input();
  reader_.clear();
  const bool flushed = co_await flush();
  const bool encrypted = flushed && co_await shake_hands();
  omits_headers_.reset();
  // It is told to go when it asks for something, or it might not listen.
  if (!encrypted && end_ == End::none) co_await await_command();
  const Action next = protocol_.on_tls(encrypted);
  if (encrypted) co_await learn_mechanisms();
  co_return next;
}

net::Task<void> Session::await_command() {
  const auto readable = co_await stream_.wait_readable(deadline(settings().timeout));
  if (!readable) note(readable.error());
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
  co_return remember_tls();
}

// What the new session says about the client. False: it must not stay.
bool Session::remember_tls() {
  const SSL* ssl = stream_.ssl();
  const bool counts_sessions = settings().rate_limits.of(RateEvent::tls_session) > 0;
  if (settings().tls_loglevel < 1 && !settings().tls_received_header && !settings().tls_ask_certificate &&
      !counts_sessions) {
    return true;
  }
  const auto peer = tls::inspect_peer(ssl, {}, settings().tls_fingerprint_digest);
  if (settings().tls_loglevel >= 1) {
    const char* const name = service_->tls_context->knows_names() ? tls::server_name(ssl) : nullptr;
    log_.tls_established(tls::trust_word(tls::trust_of(peer, false)), peer.resumed, tls::describe(ssl),
                         name != nullptr ? name : "");
  }
  if (peer.presented) subject_.certificate = {peer.trusted, peer.fingerprint, peer.key_fingerprint};
  if (settings().tls_received_header) tls_lines_ = received_lines(peer);
  if (counts_sessions && !peer.resumed && is_over_rate(RateEvent::tls_session)) {
    protocol_.say_goodbye(
        {421, "4.7.0",
         fmt::format("{} Error: too many new TLS sessions from {}", settings().protocol.hostname, log_.client())});
    return false;
  }
  return !is_certificate_missing(peer);
}

// smtpd_tls_req_ccert.
bool Session::is_certificate_missing(const tls::PeerStatus& peer) {
  if (!settings().tls_require_certificate || peer.trusted) return false;
  const auto* const why = peer.presented ? "Client certificate not trusted" : "No client certificate presented";
  log_.log().info("NOQUEUE: abort: TLS from {}: {}", log_.client(), why);
  protocol_.say_goodbye({421, "4.7.1", fmt::format("{} Error: {}", settings().protocol.hostname, why)});
  return true;
}

std::string Session::received_lines(const tls::PeerStatus& peer) const {
  const auto facts = tls::session_facts(stream_.ssl());
  std::string out = fmt::format("\t(using {} with cipher {} ({}/{} bits)", facts.protocol, facts.cipher,
                                facts.bits_used, facts.bits_of_algorithm);
  if (!facts.key_exchange.empty()) {
    out += fmt::format("\r\n\t key-exchange {}", facts.key_exchange);
    if (!facts.server_signature.empty()) out += fmt::format(" server-signature {}", facts.server_signature);
    if (!facts.server_digest.empty()) out += fmt::format(" server-digest {}", facts.server_digest);
  }
  if (!facts.client_signature.empty()) {
    out += fmt::format("\r\n\t client-signature {}", facts.client_signature);
    if (!facts.client_digest.empty()) out += fmt::format(" client-digest {}", facts.client_digest);
  }
  if (peer.presented) {
    return out + fmt::format(")\r\n\t(Client CN \"{}\", Issuer \"{}\" ({}))\r\n", intake::comment_text(peer.subject_cn),
                             intake::comment_text(peer.issuer_cn), peer.trusted ? "verified OK" : "not verified");
  }
  return out + (settings().tls_ask_certificate ? ")\r\n\t(Client did not present a certificate)\r\n"
                                               : ")\r\n\t(No client certificate requested)\r\n");
}

net::Task<void> Session::learn_mechanisms() {
  if (!service_->authenticator || !protocol_.wants_sasl_mechanisms()) co_return;
  protocol_.set_auth_hidden(listed(ClientList::no_auth));
  std::string mechanisms = co_await service_->authenticator->mechanisms(protocol_.encrypted());
  protocol_.set_sasl_mechanisms(std::move(mechanisms));
}

net::Task<Action> Session::authenticate(bool first) {
  const std::string mechanism = protocol_.sasl_mechanism();
  const std::string response = protocol_.sasl_response();
  if (first) {
    if (const auto refusal = over_rate(Action::sasl_start)) co_return protocol_.on_auth_refused(*refusal);
    const AuthClient client{subject_.client_address, ends_.server_address, protocol_.encrypted()};
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
