#include "smtp_server/dovecot_auth.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "net/stream.h"

namespace waypost::smtp_server {

using smtp::SaslAnswer;

namespace {

constexpr const char* kLost = "Connection lost to authentication server";
constexpr const char* kUnreachable = "Can't connect to authentication server";

SaslAnswer temporary(std::string reason) { return {SaslAnswer::Kind::temporary, std::move(reason), {}}; }

// A connection whose handshake is done.
class Connection {
 public:
  explicit Connection(net::Stream stream) : stream_(std::move(stream)) {}

  net::Task<Result<std::string>> read_line(MonoTime deadline) {
    while (true) {
      const auto end = received_.find('\n');
      if (end != std::string::npos) {
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 1);
        co_return line;
      }
      if (received_.size() > dovecot::kMaxLineBytes) co_return fail(Errc::invalid, "a line without end");
      const auto scratch = stream_.thread().scratch();
      const auto got = co_await stream_.read_some(scratch, deadline);
      if (!got) co_return std::unexpected(got.error());
      received_.append(scratch.data(), *got);
    }
  }
  net::Task<Result<>> write(std::string text, MonoTime deadline) {
    const auto written = co_await stream_.write_all(text, deadline);
    co_return written;
  }

 private:
  net::Stream stream_;
  std::string received_;
};

struct Opened {
  Connection connection;
  std::vector<dovecot::Mechanism> mechanisms;
};

net::Task<Result<Opened>> open(net::IoThread& thread, net::Endpoint server, MonoTime deadline) {
  auto stream = co_await net::connect(thread, std::move(server), std::nullopt, deadline);
  if (!stream) co_return std::unexpected(std::move(stream.error()));
  Connection connection(std::move(*stream));
  const auto said =
      co_await connection.write(dovecot::client_handshake(static_cast<std::uint32_t>(::getpid())), deadline);
  if (!said) co_return std::unexpected(said.error());
  dovecot::Handshake handshake;
  while (true) {
    const auto line = co_await connection.read_line(deadline);
    if (!line) co_return std::unexpected(line.error());
    switch (handshake.feed(*line)) {
      case dovecot::Handshake::State::more:
        break;
      case dovecot::Handshake::State::failed:
        co_return fail(Errc::invalid, handshake.failure());
      case dovecot::Handshake::State::done:
        co_return Opened{std::move(connection), handshake.mechanisms()};
    }
  }
}

}  // namespace

class DovecotExchange final : public AuthExchange {
 public:
  DovecotExchange(std::shared_ptr<DovecotAuthenticator> owner, std::string mechanism, AuthClient client)
      : owner_(std::move(owner)), mechanism_(std::move(mechanism)), client_(std::move(client)) {}

  net::Task<SaslAnswer> start(const std::string* initial) override {
    dovecot::Request request{.mechanism = mechanism_,
                             .service = owner_->settings_.service,
                             .local_address = client_.server_address,
                             .remote_address = client_.client_address,
                             .secured = client_.encrypted,
                             .initial_response = initial};
    // RFC 4954 §4: "=" stands for an empty response.
    const std::string empty;
    if (initial != nullptr && *initial == "=") request.initial_response = &empty;
    auto line = dovecot::auth_request(request);
    if (!line) co_return SaslAnswer{SaslAnswer::Kind::failure, "Invalid base64 data in initial response", {}};
    net::IoThread& thread = *net::IoThread::current();
    const MonoTime deadline = thread.now() + owner_->settings_.timeout;
    auto opened = co_await open(thread, owner_->settings_.server, deadline);
    if (!opened) {
      owner_->log_.warning("SASL: Connect to Dovecot auth socket '{}' failed: {}", owner_->settings_.server.to_string(),
                           opened.error().text);
      co_return temporary(kUnreachable);
    }
    owner_->learn(opened->mechanisms, thread.now());
    connection_.emplace(std::move(opened->connection));
    SaslAnswer answer = co_await ask(std::move(*line));
    co_return answer;
  }

  net::Task<SaslAnswer> next(const std::string& response) override {
    auto line = dovecot::continue_request(dovecot::Request{}.id, response);
    if (!line) co_return SaslAnswer{SaslAnswer::Kind::failure, "Invalid base64 data in continued response", {}};
    SaslAnswer answer = co_await ask(std::move(*line));
    co_return answer;
  }

 private:
  net::Task<SaslAnswer> ask(std::string line) {
    if (!connection_) co_return temporary(kLost);
    const MonoTime deadline = net::IoThread::current()->now() + owner_->settings_.timeout;
    const auto sent = co_await connection_->write(std::move(line), deadline);
    if (!sent) co_return temporary(kLost);
    while (true) {
      const auto got = co_await connection_->read_line(deadline);
      if (!got) co_return temporary(kLost);
      dovecot::Answer answer = dovecot::parse_answer(*got, dovecot::Request{}.id);
      if (answer.kind != dovecot::Answer::Kind::other) co_return translate(std::move(answer));
    }
  }

  static SaslAnswer translate(dovecot::Answer answer) {
    using K = SaslAnswer::Kind;
    K kind = answer.temporary ? K::temporary : K::failure;
    if (answer.kind == dovecot::Answer::Kind::ok) kind = K::success;
    if (answer.kind == dovecot::Answer::Kind::more) kind = K::challenge;
    return {kind, std::move(answer.text), std::move(answer.username)};
  }

  std::shared_ptr<DovecotAuthenticator> owner_;
  std::string mechanism_;
  AuthClient client_;
  std::optional<Connection> connection_;
};

Result<net::Endpoint> dovecot_endpoint(std::string_view path, std::string_view queue_directory) {
  constexpr std::string_view kInet = "inet:", kUnix = "unix:";
  if (path.starts_with(kInet)) {
    std::string text(path.substr(kInet.size()));
    if (text.starts_with("localhost:")) text.replace(0, std::string_view("localhost").size(), "127.0.0.1");
    return net::Endpoint::parse(text);
  }
  if (path.starts_with(kUnix)) path.remove_prefix(kUnix.size());
  if (path.empty()) return fail(Errc::invalid, "smtpd_sasl_path is empty");
  return net::Endpoint::unix_path(path.front() == '/' ? std::string(path)
                                                      : fmt::format("{}/{}", queue_directory, path));
}

std::shared_ptr<DovecotAuthenticator> DovecotAuthenticator::create(DovecotSettings settings, Log log) {
  return std::shared_ptr<DovecotAuthenticator>(new DovecotAuthenticator(std::move(settings), std::move(log)));
}

net::Task<std::string> DovecotAuthenticator::mechanisms(bool encrypted) {
  net::IoThread& thread = *net::IoThread::current();
  if (must_ask(thread.now())) {
    const auto opened = co_await open(thread, settings_.server, thread.now() + settings_.timeout);
    if (opened) {
      learn(opened->mechanisms, thread.now());
    } else {
      log_.warning("SASL: Connect to Dovecot auth socket '{}' failed: {}", settings_.server.to_string(),
                   opened.error().text);
    }
  }
  co_return known_mechanisms(encrypted);
}

std::unique_ptr<AuthExchange> DovecotAuthenticator::begin(const std::string& mechanism, const AuthClient& client) {
  const std::string known = known_mechanisms(client.encrypted);
  const auto names = split(known, " ");
  const bool offered = std::ranges::any_of(names, [&](std::string_view name) { return iequals(name, mechanism); });
  if (!offered) return nullptr;
  return std::make_unique<DovecotExchange>(shared_from_this(), mechanism, client);
}

std::string DovecotAuthenticator::known_mechanisms(bool encrypted) const {
  static const std::vector<dovecot::Mechanism> kUsual = {{.name = "PLAIN", .plaintext = true},
                                                         {.name = "LOGIN", .plaintext = true}};
  const std::lock_guard lock(mutex_);
  return dovecot::allowed_mechanisms(mechanisms_.empty() ? kUsual : mechanisms_,
                                     encrypted ? settings_.tls_security_options : settings_.security_options);
}

void DovecotAuthenticator::learn(const std::vector<dovecot::Mechanism>& mechanisms, MonoTime now) {
  const std::lock_guard lock(mutex_);
  mechanisms_ = mechanisms;
  learned_ = now;
}

bool DovecotAuthenticator::must_ask(MonoTime now) const {
  const std::lock_guard lock(mutex_);
  return mechanisms_.empty() || now - learned_ > settings_.mechanisms_valid;
}

}  // namespace waypost::smtp_server
