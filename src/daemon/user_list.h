// Which users of this host may do something: authorized_submit_users, authorized_flush_users, authorized_mailq_users.
// A pattern list over login names; a user without an entry in the password file is called "unknown". Immutable; any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/task.h"
#include "tables/match_list.h"

namespace waypost::daemon {

class UserList {
 public:
  // A list that begins with "static:" has everybody, without looking anybody up.
  UserList(const std::string& parameter, std::string_view text, tables::TableRegistry& registry);

  // The name of a user who is not in the list; nullopt: he may. Errc::unavailable: nobody can say now.
  net::Task<Result<std::optional<std::string>>> refused(std::uint32_t uid) const;

 private:
  bool everybody_;
  tables::MatchList names_;
};

struct UserLists {
  UserList submit, flush, list;
};

}  // namespace waypost::daemon
