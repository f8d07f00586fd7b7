// Who the session's client is, what it is trusted with, and how much it may do.
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "smtp_server/session_impl.h"

namespace waypost::smtp_server {

using smtp::Action;

namespace {

// What is said and logged when a client is over a rate limit.
struct RateTexts {
  std::string_view warning, reply;
};
constexpr std::array<RateTexts, kRateEvents> kRateTexts = {{
    {"Connection rate", "too many connections"},
    {"Message delivery request rate", "too much mail"},
    {"Recipient address rate", "too many recipients"},
    {"AUTH command rate", "too many AUTH commands"},
    {"New TLS session rate", "too many new TLS sessions"},
}};

const RateTexts& texts_of(RateEvent event) { return kRateTexts[static_cast<std::size_t>(event)]; }

std::string normal_address(const net::Endpoint& end) {
  if (end.is_unix || end.address.empty()) return std::string(smtp::kUnknownClient);
  return smtp::normal_address(end.address).value_or(end.address);  // as it is with a scope: "fe80::1%eth0"
}

}  // namespace

Ends ends_of(net::Stream& stream) {
  const auto &peer = stream.peer(), &local = stream.local();
  return {normal_address(peer), fmt::format("{}", peer.port), normal_address(local), fmt::format("{}", local.port)};
}

Transcript& Session::transcript() {
  if (!transcript_) transcript_ = std::make_unique<Transcript>();
  return *transcript_;
}

// What is about to be sent, for those who want to know.
void Session::keep_replies() {
  if (listed(ClientList::debug)) log_.said(protocol_.output());
  if (settings().notices.keeps_dialogue()) transcript().said(protocol_.output());
}

void Session::tell_postmaster(std::string_view reason) {
  const auto troubles = protocol_.troubles() & settings().notices.classes;
  if (troubles == 0 || environment_.notices == nullptr) return;
  environment_.notices->notify(transcript().notice(settings().notices, troubles, log_.client(), reason));
}

// After a change of name, address or port: everybody who calls the client by them.
void Session::identify() {
  subject_.client_address = ends_.client_address;
  subject_.client_port = settings().log_client_port ? ends_.client_port : std::string();
  const smtp::ClientIdentity identity{subject_.client_name, subject_.client_address, subject_.client_port};
  log_.set_client(identity.label());
  protocol_.set_client(identity);
  const bool limited = service_->client_connections != nullptr || service_->rates != nullptr;
  if (!limited) return;
  client_range_ = client_range(ends_.client_address, settings().ipv4_prefix_length, settings().ipv6_prefix_length);
}

// False: what to announce to this client is not known, and it must come again.
net::Task<bool> Session::learn_lists() {
  AccessPort& access = *service_->access;
  const bool limited = service_->client_connections != nullptr || service_->rates != nullptr;
  bool is_known = true;
  for (std::size_t i = 0; i < kClientLists; ++i) {
    lists_[i] = false;
    const auto list = static_cast<ClientList>(i);
    if (!access.has(list) || (list == ClientList::unlimited && !limited)) continue;
    const auto in = co_await access.is_listed(list, subject_);
    if (!in) log_.log().warning("{}", in.error().text);
    is_known = is_known && (in || (list != ClientList::xclient && list != ClientList::xforward));
    lists_[i] = in.value_or(false);
  }
  protocol_.set_bare_newline(listed(ClientList::bare_newlines) ? smtp::BareNewline::no
                                                               : settings().protocol.bare_newline);
  protocol_.set_trust(listed(ClientList::xclient), listed(ClientList::xforward));
  const auto keywords = co_await access.hidden_keywords(subject_);
  if (!is_known || !keywords) {
    log_.log().warning("don't know what EHLO features to announce to {}", log_.client());
    say_data_error();
    co_return false;
  }
  protocol_.set_discarded_keywords(*keywords ? smtp::parse_ehlo_keywords(**keywords)
                                             : settings().protocol.discard_ehlo_keywords);
  co_return true;
}

void Session::say_data_error() {
  if (settings().protocol.tls_wrapper && !protocol_.encrypted()) return;  // he would not understand
  protocol_.say_goodbye({421, "4.3.0", fmt::format("{} Server local data error", settings().protocol.hostname)});
}

// The limits of connections at once and of connections in a time. A client that speaks for others has none of its own.
bool Session::take_connection() {
  lease_.reset();
  if (listed(ClientList::unlimited) || listed(ClientList::xclient)) return true;
  const auto& limiter = service_->client_connections;
  if (limiter) lease_ = limiter->take(client_range_);
  const bool too_many = limiter && !lease_;
  if (too_many) log_.over_limit("Connection concurrency", limiter->in_use(client_range_) + 1, settings().name);
  if (!too_many && !is_over_rate(RateEvent::connection)) return true;
  if (!settings().protocol.tls_wrapper || protocol_.encrypted()) {
    protocol_.say_goodbye(
        {421, "4.7.0",
         fmt::format("{} Error: too many connections from {}", settings().protocol.hostname, subject_.client_address)});
  }
  return false;
}

// Counts one more. Over the limit: says so in the log.
bool Session::is_over_rate(RateEvent event) {
  const auto limit = settings().rate_limits.of(event);
  if (!service_->rates || limit == 0 || listed(ClientList::unlimited) || listed(ClientList::xclient)) return false;
  const auto count = service_->rates->count(event, client_range_);
  if (count > limit) log_.over_limit(texts_of(event).warning, count, settings().name);
  return count > limit;
}

std::optional<smtp::Reply> Session::over_rate(Action asked) {
  if (asked == Action::check_tls) {
    if (may_shake_hands()) return std::nullopt;
    return smtp::Reply{454, "4.7.0", fmt::format("Error: too many new TLS sessions from {}", log_.client())};
  }
  RateEvent event{};
  switch (asked) {
    case Action::check_mail:
      event = RateEvent::message;
      break;
    case Action::check_rcpt:
    case Action::check_vrfy:
      event = RateEvent::recipient;
      break;
    case Action::sasl_start:
      event = RateEvent::auth;
      break;
    default:
      return std::nullopt;
  }
  if (!is_over_rate(event)) return std::nullopt;
  return smtp::Reply{450, "4.7.1", fmt::format("Error: {} from {}", texts_of(event).reply, subject_.client_address)};
}

// A client with too many new TLS sessions gets none for a while: the handshake is what they cost.
bool Session::may_shake_hands() const {
  const auto limit = settings().rate_limits.of(RateEvent::tls_session);
  if (!service_->rates || limit == 0 || listed(ClientList::unlimited) || listed(ClientList::xclient)) return true;
  if (service_->rates->counted(RateEvent::tls_session, client_range_) <= limit) return true;
  log_.log().warning("Refusing {} request from {} for service {}",
                     settings().protocol.tls_wrapper ? "TLS service" : "STARTTLS", log_.client(), settings().name);
  return false;
}

// XCLIENT: from here on another client is served. What it may do is asked anew; so is whether it may do XCLIENT.
net::Task<Action> Session::introduce() {
  const smtp::XclientAttributes client = protocol_.introduced();
  const auto set = [](const std::optional<std::string>& from, std::string& to) {
    if (from) to = *from;
  };
  set(client.name, subject_.client_name);
  set(client.reverse_name ? client.reverse_name : client.name, subject_.reverse_name);
  set(client.address, ends_.client_address);
  set(client.port, ends_.client_port);
  set(client.server_address, ends_.server_address);
  set(client.server_port, ends_.server_port);
  memory_ = {};
  omits_headers_.reset();
  identify();
  const bool is_known = co_await learn_lists();
  if (!is_known || !take_connection()) co_return Action::close;
  describe_subject(Action::next_line);
  const access::Decision decision = co_await service_->access->check_connect(subject_, memory_);
  const auto refusal = judge(decision);
  co_await learn_mechanisms();
  co_return protocol_.on_introduced(refusal ? &*refusal : nullptr);
}

}  // namespace waypost::smtp_server
