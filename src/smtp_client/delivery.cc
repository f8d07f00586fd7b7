// The coroutine of one attempt: destinations, their hosts, a connection to one of them, the message.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "events/events.h"
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
  std::string text;         // as routed, without unix: or inet:
  std::string socket_path;  // unix: the server listens on this path, and the rest is empty
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
  const TlsPolicy& policy;
};

Trouble misrouted(std::string_view reason, std::string_view nexthop) {
  return {.stage = Stage::routing, .dsn = "4.3.5", .text = fmt::format("{} in destination \"{}\"", reason, nexthop)};
}

constexpr std::string_view kUnixPrefix = "unix:", kInetPrefix = "inet:";

Result<Target> make_target(std::string_view text, const ClientSettings& settings) {
  if (settings.lmtp && text.starts_with(kUnixPrefix)) {
    Target target{.text = std::string(text.substr(kUnixPrefix.size()))};
    if (target.text.empty()) return fail(Errc::invalid, "missing path");
    target.socket_path = target.text;
    if (!target.text.starts_with('/')) target.socket_path = settings.queue_directory + "/" + target.text;
    target.nexthop.host = settings.my_hostname;
    return target;
  }
  if (settings.lmtp && text.starts_with(kInetPrefix)) text.remove_prefix(kInetPrefix.size());
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

// smtp_discard_ehlo_keyword_address_maps: an entry for the server's address stands instead of the list.
net::Task<Result<std::vector<std::string>>> discarded_keywords(const ClientSettings& settings, std::string address) {
  if (settings.discard_ehlo_keyword_maps.empty()) co_return settings.discard_ehlo_keywords;
  const auto found = co_await settings.discard_ehlo_keyword_maps.find({std::move(address)});
  if (!found) co_return std::unexpected(found.error());
  if (!*found) co_return settings.discard_ehlo_keywords;
  const auto words = split(**found, kSeparators);
  co_return std::vector<std::string>(words.begin(), words.end());
}

smtp::ClientSessionSettings session_settings(const ClientSettings& settings, const HostTry& attempt) {
  const auto& host = attempt.host;
  smtp::ClientSessionSettings session;
  session.helo_name = settings.helo_name.empty() ? settings.my_hostname : settings.helo_name;
  session.peer = fmt::format("{}[{}]", host.name, host.address);
  session.peer_port = session.peer;
  if (attempt.target.socket_path.empty()) session.peer_port += fmt::format(":{}", attempt.target.port);
  const auto level = attempt.policy.level;
  if (level != tls::Level::none) {
    session.tls =
        tls::is_mandatory(level) ? smtp::ClientSessionSettings::Tls::required : smtp::ClientSessionSettings::Tls::may;
  }
  session.hello = settings.hello;
  session.immediate_tls = settings.tls.wrapper_mode;
  session.use_auth = settings.sasl.enabled;
  if (attempt.target.port == kSmtpPort && !settings.lmtp) session.own_name = settings.my_hostname;
  session.nexthop = attempt.target.nexthop.host;
  session.best_mx = host.preference == attempt.best_preference;
  session.send_xforward = settings.send_xforward;
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
  const auto& path = host_try.target.socket_path;
  auto source = path.empty() ? source_address(settings, host.address) : std::nullopt;
  auto remote = path.empty() ? net::Endpoint{host.address, host_try.target.port} : net::Endpoint::unix_path(path);
  auto stream = co_await net::connect(state.thread(), remote, source, deadline);
  if (!stream && source && !settings.bind_address_enforce && stream.error().text.starts_with("bind ")) {
    attempt.log().warning("{}", stream.error().text);
    source.reset();
    stream = co_await net::connect(state.thread(), remote, source, deadline);
  }
  auto session = session_settings(settings, host_try);
  auto discard = co_await discarded_keywords(settings, host.address);
  if (!discard) {
    co_return std::unexpected(Trouble{.stage = Stage::content,
                                      .dsn = "4.3.0",
                                      .text = fmt::format("local data error while talking to {}", session.peer)});
  }
  session.discard = std::move(*discard);
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

smtp::MailOptions parameters_for(const delivery::Request& request, std::span<const std::uint32_t> recipients,
                                 const ClientSettings& settings) {
  const auto cached = request.body->cached();
  smtp::MailOptions parameters;
  parameters.size_bytes = request.body->size();
  parameters.eight_bit =
      cached ? has_eight_bit(*cached) : request.envelope->encoding == mail::BodyEncoding::eight_bit_mime;
  parameters.quote = settings.quote_envelope;
  parameters.utf8 = needs_utf8(*request.envelope, recipients, cached ? std::string_view(*cached) : std::string_view{});
  return parameters;
}

// Content that is not in memory has not been looked at: unless its sender said that it is 7-bit, it may be converted,
// which leaves what declares nothing as it is.
bool may_be_eight_bit(const delivery::Request& request, const smtp::MailOptions& parameters) {
  const bool unknown = request.envelope->encoding == mail::BodyEncoding::unspecified && !request.body->cached();
  return parameters.eight_bit || unknown;
}

ContentTreatment treatment_for(const ClientSettings& settings, const Connection& connection, bool eight_bit) {
  return {.to_seven_bit = eight_bit && settings.convert_eight_bit && !connection.session().features().eight_bit_mime,
          .mime_nesting_limit = settings.mime_nesting_limit,
          .line_length_limit = settings.line_length_limit,
          .stray_cr = settings.stray_cr};
}

// Sends the message over a session that is ready, up to its final reply.
net::Task<void> transfer(ThreadState& state, Attempt& attempt, Connection& connection) {
  const auto& timeouts = attempt.settings().timeouts;
  const auto& request = attempt.request();
  const std::vector<std::uint32_t> recipients(attempt.pending().begin(), attempt.pending().end());
  auto parameters = parameters_for(request, recipients, attempt.settings());
  parameters.empty_auth = attempt.settings().sasl.send_mail_auth && connection.session().authenticated();
  ++connection.uses;
  attempt.mark_connected();
  Action action = connection.session().begin({request.envelope.get(), recipients, parameters});
  action = co_await connection.drive(action, timeouts);
  if (action == Action::send_content) {
    const auto treatment = treatment_for(attempt.settings(), connection, may_be_eight_bit(request, parameters));
    action = co_await send_content(connection, request.body, state.environment().blocking, treatment);
    if (connection.folded_lines) {
      events::note(attempt.log(), request.envelope->id,
                   fmt::format("breaking line > {} bytes with <CR><LF>SPACE", attempt.settings().line_length_limit));
    }
    action = co_await connection.drive(action, timeouts);
  }
}

void put_away(ThreadState& state, const Attempt& attempt, std::unique_ptr<Connection> connection, bool usable) {
  const auto& cache = attempt.settings().cache;
  const bool wanted = connection->always_kept ||
                      (cache.on_demand && (attempt.request().more_waiting || state.cache().in_demand(connection->key)));
  if (usable && wanted && !connection->key.empty()) {
    if (connection->always_kept) {
      state.kept().note(attempt.request().nexthop, static_cast<std::uint32_t>(state.thread().index()));
    }
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

// smtp_connection_cache_destinations. A list that cannot be read keeps nothing.
net::Task<bool> is_kept_destination(const ClientSettings& settings, const Target& target) {
  const auto& destinations = settings.cache.destinations;
  if (destinations.empty()) co_return false;
  const auto listed =
      co_await destinations.matches_string(target.socket_path.empty() ? target.nexthop.host : target.text);
  co_return listed.has_value() && *listed;
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
  const HandshakeRequest handshake{attempt.request().envelope->sender, host_try.target.nexthop.host, host_try.policy};
  const auto trouble = co_await shake_hands(*connection, handshake);
  if (trouble) {
    const bool in_clear = co_await may_go_in_clear(attempt, *connection);
    if (in_clear) co_return HostResult::retry_in_clear;
    place.connection = connection.get();
    attempt.fail(*trouble, place);
    state.dismiss(std::move(connection));
    co_return HostResult::no_session;
  }
  if (host_try.target.first && host_try.policy.keep_connection) connection->key = key;
  connection->always_kept = co_await is_kept_destination(attempt.settings(), host_try.target);
  co_await transfer(state, attempt, *connection);
  place.connection = connection.get();
  const bool usable = attempt.settle(place);
  put_away(state, attempt, std::move(connection), usable);
  co_return HostResult::session;
}

Trouble tls_misconfigured() {
  return {.stage = Stage::tls_policy, .dsn = "4.7.5", .text = "client TLS configuration problem"};
}

// The number of hosts of the list that will be tried at most.
std::size_t host_limit(const HostList& list, const ClientSettings& settings) {
  const auto limit = settings.mx_address_limit;
  return limit == 0 ? list.hosts.size() : std::min(limit, list.hosts.size());
}

net::Task<void> try_hosts(ThreadState& state, Attempt& attempt, const Target& target, HostList list,
                          const std::string& key) {
  const auto& settings = attempt.settings();
  const auto policy = co_await find_tls_policy(settings, {target.text, list.hosts.front().name},
                                               state.environment().blocking, attempt.log());
  if (!policy) {
    attempt.remember(tls_misconfigured(), {});
    co_return;
  }
  const std::size_t count = host_limit(list, settings);
  const bool final_target = target.last || list.we_are_backup;
  const std::size_t session_limit = settings.mx_session_limit == 0 ? count : settings.mx_session_limit;
  std::size_t sessions = 0;
  if (settings.tls.log_status) {
    const bool undecided = policy->level != tls::Level::none;
    attempt.set_tls_status(std::string(tls::level_name(policy->level)) + (undecided ? "?" : ""));
  }
  const TlsPolicy plaintext;  // for another try after a failed handshake
  bool in_clear = false;
  for (std::size_t i = 0; i < count && sessions < session_limit && !attempt.finished();) {
    const bool last = i + 1 == count || sessions + 1 == session_limit;
    const HostTry host_try{target, list.hosts[i], list.best_preference, final_target && last,
                           in_clear ? plaintext : *policy};
    const auto result = co_await try_host(state, attempt, host_try, key);
    if (result == HostResult::retry_in_clear) {
      in_clear = true;
      continue;
    }
    if (result == HostResult::session) ++sessions;
    in_clear = false;
    ++i;
  }
}

using Hosts = std::expected<HostList, Trouble>;

net::Task<Hosts> hosts_of(ThreadState& state, const Attempt& attempt, const Target& target) {
  const auto& settings = attempt.settings();
  if (!target.socket_path.empty()) co_return HostList{.hosts = {{settings.my_hostname, target.text, 0}}};
  const bool loop_detection = target.port == kSmtpPort && !settings.lmtp;
  auto list = co_await find_hosts(state.environment().names, target.nexthop, loop_detection, settings, attempt.log(),
                                  state.random());
  co_return list;
}

bool is_loop(const Trouble& trouble) { return trouble.dsn.ends_with(".4.6"); }

// False: no other destination may be tried.
net::Task<bool> try_target(ThreadState& state, Attempt& attempt, const Target& target, const std::string& key) {
  auto list = co_await hosts_of(state, attempt, target);
  if (!list) {
    const Place place{.last_host = true, .is_relayhost = target.is_relayhost};
    attempt.remember(list.error(), place);
    co_return !is_loop(list.error());
  }
  const bool more = !list->we_are_backup;
  co_await try_hosts(state, attempt, target, std::move(*list), key);
  co_return more;
}

net::Task<void> try_targets(ThreadState& state, Attempt& attempt, const std::string& key) {
  const auto& settings = attempt.settings();
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
