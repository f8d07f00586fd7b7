#include "smtp_client/credentials.h"

#include <utility>

#include "tables/keys.h"

namespace waypost::smtp_client {

sasl::ClientCredentials parse_credentials(std::string_view text, char delimiter) {
  const auto at = text.find(delimiter);
  sasl::ClientCredentials credentials;
  credentials.user = text.substr(0, at);
  if (at != std::string_view::npos) credentials.password = Secret(std::string(text.substr(at + 1)));
  return credentials;
}

net::Task<Result<std::optional<sasl::ClientCredentials>>> find_credentials(const SaslSettings& settings,
                                                                           CredentialQuery query) {
  std::vector<tables::Key> keys;
  if (settings.sender_dependent && !query.sender.empty()) keys = tables::mail_address_keys(query.sender, {});
  keys.push_back({std::move(query.host)});
  keys.push_back({std::move(query.nexthop)});
  auto found = co_await settings.password_maps.find_first(std::move(keys));
  if (!found) co_return std::unexpected(std::move(found.error()));
  if (!*found) co_return std::nullopt;
  Secret value{std::exchange(**found, {})};
  co_return parse_credentials(value.reveal(), settings.result_delimiter);
}

}  // namespace waypost::smtp_client
