#include "daemon/user_list.h"

#include <pwd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::daemon {
namespace {

Result<std::string> login_name(std::uint32_t uid) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const int error = ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) return found->pw_name;
  if (error == 0 || error == ENOENT || error == ESRCH) return std::string("unknown");
  return fail(Errc::unavailable, fmt::format("name of user {}: {}", uid, errno_text(error)));
}

}  // namespace

UserList::UserList(const std::string& parameter, std::string_view text, tables::TableRegistry& registry)
    : everybody_(text.starts_with("static:")) {
  if (!everybody_) names_ = tables::MatchList(parameter, text, registry);
}

net::Task<Result<std::optional<std::string>>> UserList::refused(std::uint32_t uid) const {
  using Answer = std::optional<std::string>;
  if (everybody_) co_return Answer();
  auto name = login_name(uid);
  if (!name) co_return std::unexpected(name.error());
  const auto matched = co_await names_.matches_string(*name);
  if (!matched) co_return std::unexpected(matched.error());
  co_return *matched ? Answer() : Answer(std::move(*name));
}

}  // namespace waypost::daemon
