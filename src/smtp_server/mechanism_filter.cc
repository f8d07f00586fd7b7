#include "smtp_server/mechanism_filter.h"

#include <utility>
#include <vector>

#include "base/text.h"

namespace waypost::smtp_server {

net::Task<std::string> MechanismFilter::mechanisms(bool encrypted) {
  const std::string all = co_await backend_->mechanisms(encrypted);
  std::string kept;
  std::set<std::string, std::less<>> refused;
  for (const auto word : split(all, " ")) {
    const auto matched = co_await filter_.matches_string(std::string(word));
    if (!matched) log_.warning("smtpd_sasl_mechanism_filter: {}", matched.error().text);
    if (matched.value_or(false)) {
      kept.append(kept.empty() ? "" : " ").append(word);
    } else {
      refused.insert(to_upper(word));
    }
  }
  const std::lock_guard lock(mutex_);
  refused_ = std::move(refused);
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
