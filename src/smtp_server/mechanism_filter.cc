#include "smtp_server/mechanism_filter.h"

#include <utility>
#include <vector>

#include "base/text.h"

namespace waypost::smtp_server {

net::Task<std::string> MechanismFilter::mechanisms(bool encrypted) {
  const std::string all = co_await backend_->mechanisms(encrypted);
  std::string kept;
  std::vector<std::string> admitted, refused;
  for (const auto word : split(all, " ")) {
    const auto matched = co_await filter_.matches_string(std::string(word));
    if (!matched) log_.warning("smtpd_sasl_mechanism_filter: {}", matched.error().text);
    if (matched.value_or(false)) {
      kept.append(kept.empty() ? "" : " ").append(word);
      admitted.push_back(to_upper(word));
    } else {
      refused.push_back(to_upper(word));
    }
  }
  // Nothing is learned about the mechanisms that this client is not offered anyway.
  const std::lock_guard lock(mutex_);
  for (const auto& word : admitted) refused_.erase(word);
  refused_.insert(refused.begin(), refused.end());
  co_return kept;
}

std::unique_ptr<AuthExchange> MechanismFilter::begin(const std::string& mechanism, const AuthClient& client) {
  {
    const std::lock_guard lock(mutex_);
    if (refused_.contains(to_upper(mechanism))) return nullptr;
  }
  return backend_->begin(mechanism, client);
}

}  // namespace waypost::smtp_server
