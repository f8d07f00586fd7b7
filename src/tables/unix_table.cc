// unix:passwd.byname and unix:group.byname: the system's users and groups, in the form of their files. The answer is
// the name service's (files, as a rule): what /etc/nsswitch.conf adds to it must be quick.
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/text.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

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

class UnixTable final : public Table {
 public:
  UnixTable(std::string name, Find find, bool fold) : name_(std::move(name)), find_(find), fold_(fold) {}

  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return KeyStyle::indexed; }
  Lookup find(std::string_view key) const override {
    auto found = find_(fold_ ? to_lower(key) : std::string(key));
    if (!found) return fail(Errc::unavailable, fmt::format("{} is unavailable. {}", name_, found.error().text));
    return found;
  }

 private:
  std::string name_;
  Find find_;
  bool fold_;
};

}  // namespace

std::shared_ptr<const Table> make_unix_table(const TableSource& source) {
  if (source.argument == "passwd.byname") return std::make_shared<UnixTable>(source.name(), find_user, source.fold);
  if (source.argument == "group.byname") return std::make_shared<UnixTable>(source.name(), find_group, source.fold);
  return std::make_shared<UnavailableTable>(source.name(), fmt::format("unknown table: {}", source.name()), source.log);
}

}  // namespace waypost::tables
