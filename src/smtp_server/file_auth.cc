#include "smtp_server/file_auth.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/text.h"
#include "sasl/server.h"

namespace waypost::smtp_server {

using smtp::SaslAnswer;

namespace {

SaslAnswer failure(std::string reason, std::string user = {}) {
  return {SaslAnswer::Kind::failure, std::move(reason), std::move(user)};
}

class FileExchange final : public AuthExchange {
 public:
  FileExchange(std::unique_ptr<sasl::ServerExchange> exchange, std::shared_ptr<PasswordFile> file,
               net::BlockingPool& pool, Log log, std::string local_domain)
      : exchange_(std::move(exchange)),
        file_(std::move(file)),
        pool_(pool),
        log_(std::move(log)),
        local_domain_(std::move(local_domain)) {}

  net::Task<SaslAnswer> start(const std::string* initial) override {
    if (initial == nullptr) {
      SaslAnswer answer = co_await settle(exchange_->start());
      co_return answer;
    }
    const auto bytes = base64_decode(*initial == "=" ? std::string_view{} : *initial);
    if (!bytes) co_return failure("Invalid base64 data in initial response");
    SaslAnswer answer = co_await settle(exchange_->start(*bytes));
    co_return answer;
  }

  net::Task<SaslAnswer> next(const std::string& response) override {
    const auto bytes = base64_decode(response);
    if (!bytes) co_return failure("Invalid base64 data in continued response");
    SaslAnswer answer = co_await settle(exchange_->next(*bytes));
    co_return answer;
  }

 private:
  net::Task<SaslAnswer> settle(sasl::Step step) {
    if (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
      co_return SaslAnswer{SaslAnswer::Kind::challenge, base64_encode(challenge->text), {}};
    }
    if (const auto* refusal = std::get_if<sasl::Refusal>(&step)) {
      const auto kind = refusal->temporary ? SaslAnswer::Kind::temporary : SaslAnswer::Kind::failure;
      co_return SaslAnswer{kind, refusal->reason, {}};
    }
    SaslAnswer answer = co_await verify(std::get<sasl::Credentials>(std::move(step)));
    co_return answer;
  }

  net::Task<SaslAnswer> verify(sasl::Credentials credentials) {
    std::string user = std::move(credentials.user);
    // RFC 4616 §2: acting for somebody else needs a right that this file cannot give.
    if (!credentials.authorize_as.empty() && credentials.authorize_as != user) {
      co_return failure("not authorized to act for another user", user);
    }
    if (!local_domain_.empty() && user.find('@') == std::string::npos) user += '@' + local_domain_;
    auto check = [file = file_, user, password = std::move(credentials.password)] {
      return file->verify(user, password.reveal());
    };
    const Result<bool> good = co_await pool_.run(std::move(check));
    if (!good) {
      log_.warning("SASL: {}", good.error().text);
      co_return SaslAnswer{SaslAnswer::Kind::temporary, "Temporary authentication failure", user};
    }
    if (!*good) co_return failure("authentication failure", user);
    co_return SaslAnswer{SaslAnswer::Kind::success, {}, user};
  }

  std::unique_ptr<sasl::ServerExchange> exchange_;
  std::shared_ptr<PasswordFile> file_;
  net::BlockingPool& pool_;
  Log log_;
  std::string local_domain_;
};

}  // namespace

FileAuthenticator::FileAuthenticator(FileAuthSettings settings, net::BlockingPool& pool, Log log)
    : settings_(std::move(settings)),
      pool_(pool),
      log_(std::move(log)),
      file_(std::make_shared<PasswordFile>(settings_.path)) {}

// All of them show the password, and none is anonymous: what asks for more leaves nothing.
std::string FileAuthenticator::offered(bool encrypted) const {
  const auto options = split(encrypted ? settings_.tls_security_options : settings_.security_options, ", \t\r\n");
  const bool too_much = std::ranges::any_of(options, [](std::string_view option) {
    return iequals(option, "noplaintext") || iequals(option, "forward_secrecy") || iequals(option, "mutual_auth");
  });
  std::string out;
  if (too_much) return out;
  for (const auto name : sasl::server_mechanisms()) {
    if (!out.empty()) out += ' ';
    out += name;
  }
  return out;
}

net::Task<std::string> FileAuthenticator::mechanisms(bool encrypted) { co_return offered(encrypted); }

std::unique_ptr<AuthExchange> FileAuthenticator::begin(const std::string& mechanism, const AuthClient& client) {
  if (offered(client.encrypted).empty()) return nullptr;
  auto exchange = sasl::make_server_exchange(mechanism);
  if (!exchange) return nullptr;
  return std::make_unique<FileExchange>(std::move(exchange), file_, pool_, log_, settings_.local_domain);
}

}  // namespace waypost::smtp_server
