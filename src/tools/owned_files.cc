#include "tools/owned_files.h"

#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/text.h"
#include "config/reader.h"

namespace waypost::tools {

Result<> OwnedFiles::give(const std::string& path) const {
  if (owner_ && ::lchown(path.c_str(), owner_->uid, owner_->gid) != 0)
    return fail(Errc::io, fmt::format("change owner of {}: {}", path, errno_text(errno)));
  return {};
}

Result<std::unique_ptr<spool::File>> OwnedFiles::create(const std::string& path) {
  auto made = files_.create(path);
  if (!made) return made;
  if (auto given = give(path); !given) return std::unexpected(given.error());
  return made;
}

Result<> OwnedFiles::make_directory(const std::string& path) {
  auto made = files_.make_directory(path);
  return made ? give(path) : made;
}

Result<std::unique_ptr<spool::FileLock>> OwnedFiles::lock(const std::string& path) {
  auto locked = files_.lock(path);
  if (!locked) return locked;
  if (auto given = give(path); !given) return std::unexpected(given.error());
  return locked;
}

Result<std::optional<daemon::Owner>> spool_owner(const Context& context) {
  config::Findings findings;
  const auto view = context.configuration->view();
  return daemon::mail_owner_ids(config::Reader(view, findings).text("mail_owner"));
}

}  // namespace waypost::tools
