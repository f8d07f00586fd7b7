// unix:passwd.byname and unix:group.byname: the system's users and groups, in the form of their files. The answer is
// the name service's. That reads files as a rule, but may ask a directory (/etc/nsswitch.conf), and has no deadline: so
// it is asked as a server is.
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/text.h"
#include "tables/remote_table.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

constexpr std::size_t kMaxWorkers = 4;
constexpr std::size_t kFirstBuffer = 4096, kMaxBuffer = 4 << 20;  // a group's members can be many

// Errors by which the name service says that there is no such name.
bool means_not_found(int error) { return error == 0 || error == ENOENT || error == ESRCH; }

// Calls getpwnam_r(3) or getgrnam_r(3) with as large a buffer as it wants. `buffer` keeps what the entry points to.
template <class Entry>
Result<bool> look_up(int (*ask)(const char*, Entry*, char*, std::size_t, Entry**), const std::string& name,
                     Entry& entry, std::vector<char>& buffer) {
  for (buffer.resize(kFirstBuffer);; buffer.resize(buffer.size() * 4)) {
    Entry* found = nullptr;
    const int error = ask(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error == EINTR || (error == ERANGE && buffer.size() < kMaxBuffer)) continue;
    if (found == nullptr && !means_not_found(error)) return fail(Errc::unavailable, errno_text(error));
    return found != nullptr;
  }
}

Result<std::optional<std::string>> find_user(const std::string& name) {
  passwd user{};
  std::vector<char> buffer;
  const auto found = look_up(::getpwnam_r, name, user, buffer);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  return fmt::format("{}:{}:{}:{}:{}:{}:{}", user.pw_name, user.pw_passwd, user.pw_uid, user.pw_gid, user.pw_gecos,
                     user.pw_dir, user.pw_shell);
}

Result<std::optional<std::string>> find_group(const std::string& name) {
  group entry{};
  std::vector<char> buffer;
  const auto found = look_up(::getgrnam_r, name, entry, buffer);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  std::string text = fmt::format("{}:{}:{}:", entry.gr_name, entry.gr_passwd, entry.gr_gid);
  for (char** member = entry.gr_mem; *member != nullptr; ++member) {
    if (member != entry.gr_mem) text += ',';
    text += *member;
  }
  return text;
}

using Find = Result<std::optional<std::string>> (*)(const std::string&);

class NameService final : public RemoteClient {
 public:
  NameService(std::string table, Find find) : table_(std::move(table)), find_(find) {}

  Lookup find(std::string_view key, const Patience&) override {
    auto found = find_(std::string(key));
    if (!found) return fail(Errc::unavailable, fmt::format("{} is unavailable. {}", table_, found.error().text));
    return found;
  }

 private:
  std::string table_;
  Find find_;
};

}  // namespace

std::shared_ptr<const Table> make_unix_table(const TableSource& source) {
  const Find find = source.argument == "passwd.byname"  ? find_user
                    : source.argument == "group.byname" ? find_group
                                                        : nullptr;
  if (find == nullptr) {
    return std::make_shared<UnavailableTable>(source.name(), fmt::format("unknown table: {}", source.name()),
                                              source.log);
  }
  RemoteSpec spec;
  spec.name = source.name();
  spec.fold = source.fold;
  spec.connections = kMaxWorkers;
  spec.make_client = [name = source.name(), find] { return std::make_unique<NameService>(name, find); };
  return std::make_shared<RemoteTable>(std::move(spec), source.workers, source.log);
}

}  // namespace waypost::tables
