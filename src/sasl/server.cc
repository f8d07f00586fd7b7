#include "sasl/server.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "sasl/gsasl_session.h"

namespace waypost::sasl {
namespace {

using detail::GsaslSession;

constexpr std::array<const char*, 2> kMechanisms = {"PLAIN", "LOGIN"};

class PasswordExchange final : public ServerExchange {
 public:
  explicit PasswordExchange(const char* mechanism)
      : mechanism_(mechanism), session_(GsaslSession::Role::server, mechanism) {}

  std::string_view mechanism() const override { return mechanism_; }
  bool ok() const { return session_.ok(); }

  Step start() override { return advance({}); }

  Step start(std::string_view initial_response) override {
    // LOGIN has the server speak first; a name in the AUTH command answers the challenge that is then skipped.
    if (mechanism_ == "LOGIN") {
      Step first = advance({});
      if (!std::holds_alternative<Challenge>(first)) return first;
    }
    if (initial_response.empty()) return Refusal{"empty initial response"};
    return advance(initial_response);
  }

  Step next(std::string_view response) override {
    // To the library an empty first message means "none yet"; from a client that was asked it is an empty answer.
    if (response.empty()) return Refusal{"empty response"};
    return advance(response);
  }

 private:
  Step advance(std::string_view input) {
    if (input.size() > kMaxResponseBytes) return Refusal{"response too long"};
    // LOGIN has no separators: a NUL would end the name or the password early and unseen.
    if (mechanism_ == "LOGIN" && input.contains('\0')) return Refusal{"malformed response"};
    std::string output;
    const int status = session_.step(input, output);
    if (status == GSASL_NEEDS_MORE) return Challenge{prompt(std::move(output))};
    if (status == GSASL_OK) return credentials();
    if (status == GSASL_MALLOC_ERROR || status == GSASL_CRYPTO_ERROR) return Refusal{gsasl_strerror(status), true};
    return Refusal{status == GSASL_MECHANISM_PARSE_ERROR ? "malformed response" : gsasl_strerror(status)};
  }

  // LOGIN's prompts as other servers word them: old clients compare.
  std::string prompt(std::string made) const {
    if (mechanism_ != "LOGIN") return made;
    return made.starts_with("User") ? "Username:" : "Password:";
  }

  Step credentials() const {
    const auto user = session_.get(GSASL_AUTHID);
    const auto password = session_.get(GSASL_PASSWORD);
    if (!user || user->empty() || !password) return Refusal{"no user name or password"};
    if (user->size() > kMaxUserBytes || password->size() > kMaxPasswordBytes) {
      return Refusal{"user name or password too long"};
    }
    Credentials made{std::string(*user), {}, Secret(std::string(*password))};
    const auto authorize_as = session_.get(GSASL_AUTHZID);
    if (authorize_as && authorize_as->size() > kMaxUserBytes) return Refusal{"authorization name too long"};
    if (authorize_as && *authorize_as != *user) made.authorize_as = *authorize_as;
    return made;
  }

  std::string_view mechanism_;
  GsaslSession session_;
};

}  // namespace

std::vector<std::string_view> server_mechanisms() { return {kMechanisms.begin(), kMechanisms.end()}; }

std::unique_ptr<ServerExchange> make_server_exchange(std::string_view mechanism) {
  for (const char* known : kMechanisms) {
    if (!iequals(known, mechanism)) continue;
    auto exchange = std::make_unique<PasswordExchange>(known);
    if (exchange->ok()) return exchange;
  }
  return nullptr;
}

}  // namespace waypost::sasl
