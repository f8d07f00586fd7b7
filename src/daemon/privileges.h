// What root is needed for, and what is kept of it. Started as root, the daemon becomes $mail_owner and keeps two
// capabilities: to bind low ports and to read files whoever owns them (sasl_passwd is root's, mode 600; so are keys),
// since a reload needs both again. Nothing else of root remains, and no program that it starts can gain more
// (no_new_privs). Started by anybody else it stays what it is.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"

namespace waypost::daemon {

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// $mail_owner's ids when this process is root; nullopt: stay. Errc::not_found: there is no such user.
Result<std::optional<Owner>> mail_owner_ids(const std::string& mail_owner);

// Irreversible. Call before any thread is started.
Result<> become(const Owner& owner);

}  // namespace waypost::daemon
