#include "daemon/user_list.h"

#include <pwd.h>

#include <array>

namespace waypost::daemon {
namespace {

std::string login_name(std::uint32_t uid) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->pw_name : "unknown";
}

}  // namespace

UserList::UserList(const std::string& parameter, std::string_view text, tables::TableRegistry& registry)
    : everybody_(text.starts_with("static:")) {
  if (!everybody_) names_ = tables::MatchList(parameter, text, registry);
}

net::Task<Result<std::optional<std::string>>> UserList::refused(std::uint32_t uid) const {
  if (everybody_) co_return std::nullopt;
  std::string name = login_name(uid);
  const auto matched = co_await names_.matches_string(name);
  if (!matched) co_return std::unexpected(matched.error());
  if (*matched) co_return std::nullopt;
  co_return std::move(name);
}

}  // namespace waypost::daemon
