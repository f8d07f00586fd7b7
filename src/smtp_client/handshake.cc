#include "smtp_client/handshake.h"

#include <fmt/format.h>

#include "base/text.h"
#include "sasl/client.h"
#include "smtp_client/credentials.h"

namespace waypost::smtp_client {
namespace {

using Action = Connection::Action;
using smtp::ClientStage;

constexpr std::string_view kTlsFailed = "4.7.5";  // RFC 3463 §3.8: cryptographic failure

bool is_authentic(const tls::PeerStatus& peer, const TlsPolicy& policy) {
  if (policy.level == tls::Level::fingerprint) return tls::fingerprint_matches(peer, policy.fingerprints);
  return tls::is_authenticated(policy.level) && peer.verified();
}

tls::ClientHello make_hello(const Connection& connection, const HandshakeRequest& request) {
  const auto& settings = *connection.settings;
  tls::ClientHello hello;
  hello.server_name = request.policy.server_name;
  if (hello.server_name == "hostname") hello.server_name = connection.host;
  if (hello.server_name == "nexthop") hello.server_name = request.domain;
  hello.session_key = fmt::format("{}/{}/{}/{}/{}", settings.service, connection.nexthop, connection.peer_port,
                                  tls::level_name(request.policy.level), request.policy.origin);
  hello.rules = request.policy.rules;
  return hello;
}

// What the certificate is worth, told to the log.
bool check_peer(Connection& connection, const HandshakeRequest& request) {
  const auto& settings = connection.settings->tls;
  const auto level = request.policy.level;
  // Only verify and secure have names that the certificate must have.
  const auto names = tls::expand_match(request.policy.match, connection.host, request.domain);
  connection.tls_peer = tls::inspect_peer(connection.stream().ssl(), names, settings.fingerprint_digest);
  const auto& peer = *connection.tls_peer;
  const bool authentic = is_authentic(peer, request.policy);
  if (settings.log_level >= 1) {
    if (!peer.trusted && peer.presented && !authentic && tls::is_authenticated(level)) {
      connection.log().info("certificate verification failed for {}: {}", connection.peer_port,
                            peer.verify_error.empty() ? "untrusted issuer " + peer.issuer_cn : peer.verify_error);
    }
    connection.log().info("{} TLS connection established to {}: {}", tls::trust_word(tls::trust_of(peer, authentic)),
                          connection.peer_port, tls::describe(connection.stream().ssl()));
  }
  return authentic || !tls::is_authenticated(level);
}

net::Task<std::optional<std::string>> encrypt(Connection& connection, const HandshakeRequest& request) {
  const auto& settings = *connection.settings;
  const auto& context = request.policy.context;
  if (!context) co_return "TLS is required, but our TLS engine is unavailable";
  if (connection.has_unread()) {
    connection.log().warning("{}: unexpected bytes before the TLS handshake", connection.peer_port);
    co_return "Cannot start TLS: handshake failure";
  }
  const auto ssl = context->new_session(make_hello(connection, request));
  if (!ssl) {
    connection.log().warning("cannot start TLS with {}: {}", connection.peer_port, ssl.error().text);
    co_return "Cannot start TLS: handshake failure";
  }
  const MonoTime deadline = connection.stream().thread().now() + settings.timeouts.starttls;
  const auto shaken = co_await connection.stream().handshake(*ssl, net::TlsRole::client, deadline);
  if (!shaken) {
    connection.log().info("SSL_connect error to {}: {}", connection.peer_port, shaken.error().text);
    connection.plaintext_fallback = !tls::is_mandatory(request.policy.level);
    connection.stream().close();
    co_return "Cannot start TLS: handshake failure";
  }
  co_return std::nullopt;
}

// The action that follows on_tls(), or the failure.
net::Task<Action> start_tls(Connection& connection, const HandshakeRequest& request) {
  auto trouble = co_await encrypt(connection, request);
  auto& session = connection.session();
  if (trouble) {
    co_return session.on_tls_failed(ClientStage::starttls, std::string(kTlsFailed), std::move(*trouble));
  }
  if (!check_peer(connection, request)) {
    const bool trusted = connection.tls_peer->trusted || request.policy.level == tls::Level::fingerprint;
    co_return session.on_tls_failed(ClientStage::tls_verify, std::string(kTlsFailed),
                                    trusted ? "Server certificate not verified" : "Server certificate not trusted");
  }
  // With wrapper mode TLS stands before the greeting, and EHLO comes after that.
  co_return connection.settings->tls.wrapper_mode ? session.start() : session.on_tls();
}

const sasl::SecurityOptions& security_options(Connection& connection) {
  const auto& sasl = connection.settings->sasl;
  if (!connection.stream().encrypted()) return sasl.options;
  const bool verified = connection.tls_peer && connection.tls_peer->verified();
  return verified ? sasl.tls_verified_options : sasl.tls_options;
}

Action refuse(Connection& connection, const Error& error) { return connection.session().auth_fail(error.text); }

Action answer_challenge(Connection& connection, sasl::ClientExchange* exchange) {
  if (exchange == nullptr) return connection.session().auth_fail("unexpected challenge");
  const auto response = exchange->next(connection.session().challenge());
  if (!response) return refuse(connection, response.error());
  return connection.session().auth_respond(response->reveal());
}

Action begin_exchange(Connection& connection, sasl::ClientExchange& exchange) {
  const auto initial = exchange.initial_response();
  if (!initial) return refuse(connection, initial.error());
  if (!*initial) return connection.session().auth_begin(exchange.mechanism(), std::nullopt);
  return connection.session().auth_begin(exchange.mechanism(), (*initial)->reveal());
}

using Exchange = std::unique_ptr<sasl::ClientExchange>;

net::Task<Action> begin_authentication(Connection& connection, const HandshakeRequest& request, Exchange& exchange) {
  const auto& sasl = connection.settings->sasl;
  const auto found = co_await find_credentials(sasl, {request.sender, connection.host, connection.nexthop});
  if (!found) co_return connection.session().auth_fail("local data error: " + found.error().text);
  if (!*found) co_return connection.session().auth_skip();
  const auto& mechanisms = connection.session().features().mechanisms;
  const std::vector<std::string_view> offered(mechanisms.begin(), mechanisms.end());
  sasl::Choice choice{sasl::filter_mechanisms(offered, sasl.mechanism_filter), security_options(connection)};
  auto chosen = sasl::choose(choice, **found);
  if (!chosen) co_return refuse(connection, chosen.error());
  exchange = std::move(*chosen);
  co_return begin_exchange(connection, *exchange);
}

void log_warnings(Connection& connection) {
  for (const auto& warning : connection.session().take_warnings()) connection.log().warning("{}", warning);
}

void note_unused_starttls(Connection& connection, tls::Level level) {
  const auto& tls = connection.settings->tls;
  const bool offered = connection.session().features().starttls && !connection.stream().encrypted();
  if (tls.note_starttls_offer && offered && level == tls::Level::none) {
    connection.log().info("Host offered STARTTLS: [{}]", connection.host);
  }
}

// As Postfix 3.11 words it for tls= in the delivery line.
std::string tls_status(Connection& connection, tls::Level level) {
  const std::string name(tls::level_name(level));
  if (level == tls::Level::none || connection.stream().encrypted()) return name;
  return name + ":none";
}

std::string failed_tls_status(const smtp::ClientFailure* failure, tls::Level level) {
  const std::string name(tls::level_name(level));
  if (level == tls::Level::none) return name;
  const bool violated = failure != nullptr && tls::is_mandatory(level) &&
                        (failure->stage == ClientStage::starttls || failure->stage == ClientStage::tls_verify);
  return violated ? "!" + name : name + "?";
}

Trouble trouble_of(Connection& connection) {
  const auto& failure = connection.session().failure();
  return failure ? from_session(*failure) : Trouble{.text = "no session"};
}

}  // namespace

net::Task<std::optional<Trouble>> shake_hands(Connection& connection, const HandshakeRequest& request) {
  const auto& settings = *connection.settings;
  Exchange exchange;
  Action action = connection.session().start();
  if (settings.tls.wrapper_mode) action = Action::start_tls;
  for (;;) {
    switch (action) {
      case Action::read:
      case Action::write:
        action = co_await connection.drive(action, settings.timeouts);
        break;
      case Action::start_tls:
        action = co_await start_tls(connection, request);
        break;
      case Action::authenticate:
        action = co_await begin_authentication(connection, request, exchange);
        break;
      case Action::auth_challenge:
        action = answer_challenge(connection, exchange.get());
        break;
      case Action::ready:
        log_warnings(connection);
        note_unused_starttls(connection, request.policy.level);
        connection.tls_status = tls_status(connection, request.policy.level);
        co_return std::nullopt;
      default:
        log_warnings(connection);
        connection.tls_status = failed_tls_status(
            connection.session().failure() ? &*connection.session().failure() : nullptr, request.policy.level);
        co_return trouble_of(connection);
    }
  }
}

}  // namespace waypost::smtp_client
