#include "sasl/client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "sasl/gsasl_session.h"

namespace waypost::sasl {
namespace {

using detail::GsaslSession;

enum Property : unsigned {
  kNoPlaintext = 1,
  kNoActive = 2,
  kNoDictionary = 4,
  kNoAnonymous = 8,
  kMutual = 16,
  kForwardSecrecy = 32
};

struct Mechanism {
  const char* name;
  unsigned properties;
  bool client_first;
};

// In order of preference. Better ones are added at the top.
constexpr std::array<Mechanism, 3> kMechanisms = {{
    {"CRAM-MD5", kNoPlaintext | kNoAnonymous, false},
    {"PLAIN", kNoAnonymous, true},
    {"LOGIN", kNoAnonymous, false},
}};

struct OptionName {
  std::string_view name;
  bool SecurityOptions::* member;
  Property property;
};

constexpr std::array<OptionName, 6> kOptionNames = {{
    {"noplaintext", &SecurityOptions::noplaintext, kNoPlaintext},
    {"noactive", &SecurityOptions::noactive, kNoActive},
    {"nodictionary", &SecurityOptions::nodictionary, kNoDictionary},
    {"noanonymous", &SecurityOptions::noanonymous, kNoAnonymous},
    {"mutual_auth", &SecurityOptions::mutual_auth, kMutual},
    {"forward_secrecy", &SecurityOptions::forward_secrecy, kForwardSecrecy},
}};

unsigned required_properties(const SecurityOptions& options) {
  unsigned required = 0;
  for (const auto& option : kOptionNames) {
    if (options.*option.member) required |= option.property;
  }
  return required;
}

class GsaslExchange final : public ClientExchange {
 public:
  GsaslExchange(const Mechanism& mechanism, const ClientCredentials& credentials)
      : mechanism_(mechanism), session_(GsaslSession::Role::client, mechanism.name) {
    if (!session_.ok()) return;
    session_.set(GSASL_AUTHID, credentials.user);
    session_.set(GSASL_PASSWORD, credentials.password.reveal());
  }

  bool ok() const { return session_.ok(); }
  std::string_view mechanism() const override { return mechanism_.name; }

  Result<std::optional<Secret>> initial_response() override {
    if (!mechanism_.client_first) return std::nullopt;
    auto response = advance({});
    if (!response) return std::unexpected(std::move(response.error()));
    return std::move(*response);
  }

  Result<Secret> next(std::string_view challenge) override {
    if (challenge.size() > kMaxChallengeBytes) return fail(Errc::invalid, "challenge too long");
    if (++challenges_ > kMaxChallenges) return fail(Errc::invalid, "too many challenges");
    // Some servers' LOGIN asks with no words at all, which the library takes for "no challenge yet".
    return advance(challenge.empty() ? std::string_view(" ") : challenge);
  }

 private:
  Result<Secret> advance(std::string_view input) {
    if (finished_) return fail(Errc::invalid, "unexpected challenge");
    std::string output;
    const int status = session_.step(input, output);
    if (status != GSASL_OK && status != GSASL_NEEDS_MORE) return fail(Errc::invalid, gsasl_strerror(status));
    finished_ = status == GSASL_OK;
    Secret response{output};
    detail::wipe(output);
    return response;
  }

  const Mechanism& mechanism_;
  GsaslSession session_;
  std::size_t challenges_ = 0;
  bool finished_ = false;
};

bool is_allowed(std::string_view mechanism, const std::vector<std::string>& filter) {
  for (std::string_view item : filter) {
    const bool excludes = item.starts_with('!');
    if (excludes) item.remove_prefix(1);
    if (iequals(item, mechanism)) return !excludes;
  }
  return false;
}

}  // namespace

Result<SecurityOptions> SecurityOptions::parse(std::string_view text) {
  SecurityOptions options;
  for (const auto word : split(text, ", \t\r\n")) {
    const auto found = std::ranges::find_if(kOptionNames, [&](const auto& o) { return iequals(o.name, word); });
    if (found == kOptionNames.end()) {
      return fail(Errc::invalid, "unknown SASL security option value \"" + std::string(word) + "\"");
    }
    options.*found->member = true;
  }
  return options;
}

Result<std::unique_ptr<ClientExchange>> choose(const Choice& choice, const ClientCredentials& credentials) {
  const unsigned required = required_properties(choice.options);
  for (const auto& mechanism : kMechanisms) {
    if ((mechanism.properties & required) != required) continue;
    const auto offers = [&](std::string_view name) { return iequals(name, mechanism.name); };
    if (std::ranges::none_of(choice.offered, offers)) continue;
    auto exchange = std::make_unique<GsaslExchange>(mechanism, credentials);
    if (exchange->ok()) return exchange;
  }
  return fail(Errc::not_found, "no mechanism available");
}

std::vector<std::string_view> filter_mechanisms(const std::vector<std::string_view>& offered,
                                                const std::vector<std::string>& filter) {
  if (filter.empty()) return offered;
  std::vector<std::string_view> kept;
  std::ranges::copy_if(offered, std::back_inserter(kept), [&](auto name) { return is_allowed(name, filter); });
  return kept;
}

}  // namespace waypost::sasl
