#include "daemon/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::daemon {
namespace {

constexpr std::array kKept = {CAP_NET_BIND_SERVICE, CAP_DAC_READ_SEARCH};

Result<> keep_capabilities() {
  const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> caps(::cap_init(), ::cap_free);
  if (!caps || ::cap_set_flag(caps.get(), CAP_PERMITTED, kKept.size(), kKept.data(), CAP_SET) != 0 ||
      ::cap_set_flag(caps.get(), CAP_EFFECTIVE, kKept.size(), kKept.data(), CAP_SET) != 0 ||
      ::cap_set_proc(caps.get()) != 0) {
    return fail(Errc::io, fmt::format("cannot keep capabilities: {}", errno_text(errno)));
  }
  return {};
}

}  // namespace

Result<std::optional<Owner>> mail_owner_ids(const std::string& mail_owner) {
  if (::geteuid() != 0) return std::optional<Owner>();
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwnam_r(mail_owner.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return fail(Errc::not_found, fmt::format("unknown mail_owner user: {}", mail_owner));
  return std::optional(Owner{found->pw_uid, found->pw_gid});
}

Result<> become(const Owner& owner) {
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::setgroups(0, nullptr) != 0 ||
      ::setresgid(owner.gid, owner.gid, owner.gid) != 0 || ::setresuid(owner.uid, owner.uid, owner.uid) != 0) {
    return fail(Errc::io, fmt::format("cannot become uid {}: {}", owner.uid, errno_text(errno)));
  }
  if (auto kept = keep_capabilities(); !kept) return kept;
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return {};
}

}  // namespace waypost::daemon
