// The coroutine of one attempt: destinations, their hosts, a connection to one of them, the message.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "net/stream.h"
#include "routing/nexthop.h"
#include "smtp_client/content.h"
#include "smtp_client/credentials.h"
#include "smtp_client/handshake.h"
#include "smtp_client/thread_state.h"

namespace waypost::smtp_client {
namespace {

using Action = Connection::Action;
using delivery::Cause;
using delivery::Stage;

constexpr std::uint16_t kSmtpPort = 25;  // the only port where loops are looked for
constexpr std::string_view kSeparators = ", \t\r\n";

// One of the nexthops of the request, or of smtp_fallback_relay.
struct Target {
  std::string text;  // as routed
  routing::Nexthop nexthop;
  std::uint16_t port = 0;
  bool is_relayhost = false;
  bool first = false;  // connections to it may be kept
  bool last = false;
};

enum class HostResult : std::uint8_t { no_connection, no_session, session, retry_in_clear };

struct HostTry {
  const Target& target;
  const Host& host;
  std::uint16_t best_preference = 0;
  bool last_host = false;
  tls::Level level = tls::Level::none;
};

Trouble misrouted(std::string_view reason, std::string_view nexthop) {
  return {.stage = Stage::routing, .dsn = "4.3.5", .text = fmt::format("{} in destination \"{}\"", reason, nexthop)};
}

Result<Target> make_target(std::string_view text, const ClientSettings& settings) {
  auto nexthop = routing::parse_nexthop(text);
  if (!nexthop) return std::unexpected(std::move(nexthop.error()));
  const auto port = routing::port_number(nexthop->port.empty() ? settings.default_port : nexthop->port);
  if (!port) return fail(Errc::invalid, "unknown service");
  return Target{.text = std::string(text), .nexthop = std::move(*nexthop), .port = *port};
}

Result<std::vector<Target>> make_targets(const std::string& nexthop, const ClientSettings& settings) {
  std::vector<Target> targets;
  for (const auto text : split(nexthop, kSeparators)) {
    auto target = make_target(text, settings);
    if (!target) return std::unexpected(std::move(target.error()));
    target->is_relayhost = !settings.relayhost.empty() && nexthop == settings.relayhost;
    targets.push_back(std::move(*target));
  }
  if (targets.empty()) return fail(Errc::invalid, "missing host information");
  targets.front().first = true;
  for (const auto text : split(settings.fallback_relay, kSeparators)) {
    auto target = make_target(text, settings);
    if (!target) continue;  // the configuration check names it
    target->is_relayhost = true;
    targets.push_back(std::move(*target));
  }
  if (targets.size() > routing::kMaxNexthops) targets.resize(routing::kMaxNexthops);
  targets.back().last = true;
  return targets;
}

smtp::ClientSessionSettings session_settings(const ClientSettings& settings, const HostTry& attempt) {
  const auto& host = attempt.host;
  smtp::ClientSessionSettings session;
  session.helo_name = settings.helo_name.empty() ? settings.my_hostname : settings.helo_name;
  session.peer = fmt::format("{}[{}]", host.name, host.address);
  session.peer_port = fmt::format("{}:{}", session.peer, attempt.target.port);
  if (attempt.level != tls::Level::none) {
    session.tls = tls::is_mandatory(attempt.level) ? smtp::ClientSessionSettings::Tls::required
                                                   : smtp::ClientSessionSettings::Tls::may;
  }
  session.hello = settings.hello;
  session.immediate_tls = settings.tls.wrapper_mode;
  session.use_auth = settings.sasl.enabled;
  if (attempt.target.port == kSmtpPort) session.own_name = settings.my_hostname;
  session.nexthop = attempt.target.nexthop.host;
  session.best_mx = host.preference == attempt.best_preference;
  session.discard = settings.discard_ehlo_keywords;
  return session;
}

std::optional<net::Endpoint> source_address(const ClientSettings& settings, const std::string& remote) {
  const auto& address = remote.contains(':') ? settings.bind_address6 : settings.bind_address;
  if (address.empty()) return std::nullopt;
  return net::Endpoint{std::string(trim(address)), 0};
}

using Opened = std::expected<std::unique_ptr<Connection>, Trouble>;

net::Task<Opened> open_connection(ThreadState& state, const Attempt& attempt, const HostTry& host_try) {
  const auto& settings = attempt.settings();
  const auto& host = host_try.host;
  const MonoTime opened = state.thread().now();
  const auto limit = settings.timeouts.connect;
  const MonoTime deadline = limit.count() > 0 ? opened + limit : MonoTime::max();
  auto source = source_address(settings, host.address);
  net::Endpoint remote{host.address, host_try.target.port};
  auto stream = co_await net::connect(state.thread(), remote, source, deadline);
  if (!stream && source && !settings.bind_address_enforce && stream.error().text.starts_with("bind ")) {
    attempt.log().warning("{}", stream.error().text);
    source.reset();
    stream = co_await net::connect(state.thread(), remote, source, deadline);
  }
  auto session = session_settings(settings, host_try);
  if (!stream) {
    const auto text = fmt::format("connect to {}: {}", session.peer_port, stream.error().text);
    co_return std::unexpected(Trouble{.stage = Stage::connect, .dsn = "4.4.1", .text = text});
  }
  const auto peer = session.peer;
  const auto peer_port = session.peer_port;
  auto connection = std::make_unique<Connection>(std::move(*stream), std::move(session), attempt.log(), opened);
  connection->host = host.name;
  connection->address = host.address;
  connection->peer = peer;
  connection->peer_port = peer_port;
  connection->nexthop = host_try.target.text;
  connection->settings = attempt.settings_snapshot();
  connection->last_host = host_try.last_host;
  co_return connection;
}

// RFC 6531 §3.4: what was promised to the sender must be kept where addresses or header need it.
bool needs_utf8(const mail::Envelope& envelope, std::span<const std::uint32_t> recipients, std::string_view content) {
  if (!envelope.smtputf8) return false;
  if (has_eight_bit(envelope.sender)) return true;
  for (const auto index : recipients) {
    if (has_eight_bit(envelope.recipients[index].address)) return true;
  }
  return has_eight_bit(content.substr(0, content.find("\r\n\r\n")));
}

smtp::MailOptions parameters_for(const delivery::Request& request, std::span<const std::uint32_t> recipients) {
  const auto cached = request.body->cached();
  smtp::MailOptions parameters;
  parameters.size_bytes = request.body->size();
  parameters.eight_bit =
      cached ? has_eight_bit(*cached) : request.envelope->encoding == mail::BodyEncoding::eight_bit_mime;
  parameters.utf8 = needs_utf8(*request.envelope, recipients, cached ? std::string_view(*cached) : std::string_view{});
  return parameters;
}

// Converting the content to 7 bit is not done; servers without 8BITMIME take 8-bit content in practice, and returning
// the mail would be worse.
void note_eight_bit(ThreadState& state, const Attempt& attempt, const Connection& connection, bool eight_bit) {
  if (!eight_bit || connection.session().features().eight_bit_mime || !state.first_unannounced_eight_bit()) return;
  attempt.log().warning("host {} does not offer 8BITMIME: 8-bit content is sent to such hosts unconverted",
                        connection.peer);
}

// Sends the message over a session that is ready, up to its final reply.
net::Task<void> transfer(ThreadState& state, Attempt& attempt, Connection& connection) {
  const auto& timeouts = attempt.settings().timeouts;
  const auto& request = attempt.request();
  const std::vector<std::uint32_t> recipients(attempt.pending().begin(), attempt.pending().end());
  const auto parameters = parameters_for(request, recipients);
  note_eight_bit(state, attempt, connection, parameters.eight_bit);
  ++connection.uses;
  attempt.mark_connected();
  Action action = connection.session().begin({request.envelope.get(), recipients, parameters});
  action = co_await connection.drive(action, timeouts);
  if (action == Action::send_content) {
    action = co_await send_content(connection, request.body, state.environment().blocking, timeouts);
    action = co_await connection.drive(action, timeouts);
  }
}

void put_away(ThreadState& state, const Attempt& attempt, std::unique_ptr<Connection> connection, bool usable) {
  const auto& cache = attempt.settings().cache;
  const bool wanted = attempt.request().more_waiting || state.cache().in_demand(connection->key);
  if (usable && cache.on_demand && wanted && !connection->key.empty()) {
    state.keep(std::move(connection));
  } else {
    state.dismiss(std::move(connection));
  }
}

// The server had ended an idle connection, as it may: nothing of this message has been said yet.
bool is_stale(const Connection& connection) {
  const auto& failure = connection.session().failure();
  if (!failure || failure->stage != smtp::ClientStage::mail || connection.uses < 2) return false;
  using Why = smtp::ClientFailure::Cause;
  constexpr int kServiceClosing = 421;
  return failure->cause == Why::lost_connection || failure->cause == Why::temporary || failure->code == kServiceClosing;
}

net::Task<void> use_kept_connection(ThreadState& state, Attempt& attempt, const std::string& key) {
  auto connection = state.cache().take(key, attempt.settings_snapshot());
  while (connection) {
    co_await transfer(state, attempt, *connection);
    if (!is_stale(*connection)) {
      const auto& settings = attempt.settings();
      const Place place{.last_host = connection->last_host,
                        .is_relayhost = attempt.request().nexthop == settings.relayhost,
                        .connection = connection.get()};
      const bool usable = attempt.settle(place);
      put_away(state, attempt, std::move(connection), usable);
      co_return;
    }
    state.dismiss(std::move(connection));
    connection = state.cache().take(key, attempt.settings_snapshot());
  }
}

// RFC 7435: opportunistic TLS must not make mail undeliverable; but neither is a password sent in clear, nor given up
// on TLS at the first hiccup.
net::Task<bool> may_go_in_clear(const Attempt& attempt, const Connection& connection) {
  const auto& request = attempt.request();
  const auto& settings = attempt.settings();
  if (!connection.plaintext_fallback) co_return false;
  if (request.active_since - request.envelope->arrival < settings.tls.plaintext_fallback_age) co_return false;
  if (!settings.sasl.enabled) co_return true;
  const auto found =
      co_await find_credentials(settings.sasl, {request.envelope->sender, connection.host, connection.nexthop});
  co_return found.has_value() && !found->has_value();
}

net::Task<HostResult> try_host(ThreadState& state, Attempt& attempt, const HostTry& host_try, const std::string& key) {
  Place place{.last_host = host_try.last_host, .is_relayhost = host_try.target.is_relayhost};
  auto opened = co_await open_connection(state, attempt, host_try);
  if (!opened) {
    attempt.log().info("{}", opened.error().text);
    attempt.fail(opened.error(), place);
    co_return HostResult::no_connection;
  }
  auto connection = std::move(*opened);
  const HandshakeRequest handshake{attempt.request().envelope->sender, host_try.target.nexthop.host, host_try.level};
  const auto trouble = co_await shake_hands(*connection, handshake);
  if (trouble) {
    const bool in_clear = co_await may_go_in_clear(attempt, *connection);
    if (in_clear) co_return HostResult::retry_in_clear;
    place.connection = connection.get();
    attempt.fail(*trouble, place);
    state.dismiss(std::move(connection));
    co_return HostResult::no_session;
  }
  if (host_try.target.first) connection->key = key;
  co_await transfer(state, attempt, *connection);
  place.connection = connection.get();
  const bool usable = attempt.settle(place);
  put_away(state, attempt, std::move(connection), usable);
  co_return HostResult::session;
}

tls::Level effective_level(const ClientSettings& settings) {
  const auto& tls = settings.tls;
  return tls.level == tls::Level::may && !tls.opportunistic ? tls::Level::none : tls.level;
}

// The number of hosts of the list that will be tried at most.
std::size_t host_limit(const HostList& list, const ClientSettings& settings) {
  const auto limit = settings.mx_address_limit;
  return limit == 0 ? list.hosts.size() : std::min(limit, list.hosts.size());
}

net::Task<void> try_hosts(ThreadState& state, Attempt& attempt, const Target& target, HostList list,
                          const std::string& key) {
  const auto& settings = attempt.settings();
  const std::size_t count = host_limit(list, settings);
  const bool final_target = target.last || list.we_are_backup;
  const std::size_t session_limit = settings.mx_session_limit == 0 ? count : settings.mx_session_limit;
  std::size_t sessions = 0;
  tls::Level level = effective_level(settings);
  for (std::size_t i = 0; i < count && sessions < session_limit && !attempt.finished();) {
    const bool last = i + 1 == count || sessions + 1 == session_limit;
    const HostTry host_try{target, list.hosts[i], list.best_preference, final_target && last, level};
    const auto result = co_await try_host(state, attempt, host_try, key);
    if (result == HostResult::retry_in_clear) {
      level = tls::Level::none;
      continue;
    }
    if (result == HostResult::session) ++sessions;
    level = effective_level(settings);
    ++i;
  }
}

bool is_loop(const Trouble& trouble) { return trouble.dsn.ends_with(".4.6"); }

// False: no other destination may be tried.
net::Task<bool> try_target(ThreadState& state, Attempt& attempt, const Target& target, const std::string& key) {
  const auto& settings = attempt.settings();
  auto list = co_await find_hosts(state.environment().names, target.nexthop, target.port == kSmtpPort, settings,
                                  attempt.log(), state.random());
  if (!list) {
    const Place place{.last_host = true, .is_relayhost = target.is_relayhost};
    attempt.remember(list.error(), place);
    co_return !is_loop(list.error());
  }
  const bool more = !list->we_are_backup;
  co_await try_hosts(state, attempt, target, std::move(*list), key);
  co_return more;
}

// What the settings make impossible before anybody is asked.
std::optional<Trouble> unusable_settings(const ClientSettings& settings) {
  const bool unknown_level = settings.tls.level > tls::Level::secure;
  const bool bad_wrapper = settings.tls.wrapper_mode && !tls::is_mandatory(settings.tls.level);
  if (!unknown_level && !bad_wrapper) return std::nullopt;
  return Trouble{.stage = Stage::tls_policy, .dsn = "4.7.5", .text = "client TLS configuration problem"};
}

net::Task<void> try_targets(ThreadState& state, Attempt& attempt, const std::string& key) {
  const auto& settings = attempt.settings();
  if (const auto trouble = unusable_settings(settings)) {
    attempt.remember(*trouble, {});
    co_return;
  }
  const auto& nexthop = attempt.request().nexthop;
  const auto targets = make_targets(nexthop, settings);
  if (!targets) {
    attempt.remember(misrouted(targets.error().text, nexthop), {});
    co_return;
  }
  for (const auto& target : *targets) {
    const bool go_on = co_await try_target(state, attempt, target, key);
    if (attempt.finished() || !go_on) co_return;
  }
}

}  // namespace

net::Task<void> run_attempt(ThreadState& state, std::unique_ptr<Attempt> attempt) {
  const auto& request = attempt->request();
  const std::string key = cache_key(attempt->settings(), request.nexthop, request.envelope->sender);
  state.cache().note_demand(key, state.thread().now());
  co_await use_kept_connection(state, *attempt, key);
  if (!attempt->finished()) co_await try_targets(state, *attempt, key);
  attempt->give_up();
  if (state.cache().has(key)) attempt->set_affinity(static_cast<std::uint32_t>(state.thread().index()));
  attempt->report();
}

}  // namespace waypost::smtp_client
